-- Reads what the Python plugin says about a request: the format is described in plugins/aws_masker/kong/exchange.py.
-- No ngx, no kong: plain functions over strings and tables.

local byte, sub, tonumber = string.byte, string.sub, tonumber

local _M = { VERSION = "2", KEY = "aws_masker_" }

-- The fields of a request that is let through, other than texts.
local NUMBERS = {
  "body_length", "body_crc32", "upstream_port", "answer", "answer_seconds", "event", "lines", "texts", "values",
  "record_body", "waiting_records", "waiting_bytes",
}

local ZERO, NINE, COLON, COMMA = byte("0"), byte("9"), byte(":"), byte(",")


-- Returns the list of the netstrings that `text` consists of; nil where they are damaged. Byte by byte in a single loop,
-- as in edits.lua.
local function strings_of(text)
  local found, n, at, length = {}, 0, 1, nil
  while at <= #text do
    local char = byte(text, at)
    if char >= ZERO and char <= NINE then
      length = 10 * (length or 0) + char - ZERO
      at = at + 1
    elseif char == COLON and length and at + length < #text and byte(text, at + length + 1) == COMMA then
      n = n + 1
      found[n] = sub(text, at + 1, at + length)
      at, length = at + length + 2, nil
    else
      return nil
    end
  end
  return not length and found or nil
end


-- Returns name, value, name, value, ... of netstrings as a list of the names and a table name -> value; nil where they
-- are damaged.
local function pairs_of(text)
  local strings = strings_of(text)
  if not strings or #strings % 2 ~= 0 then
    return nil
  end
  local names, values = {}, {}
  for i = 1, #strings, 2 do
    names[#names + 1] = strings[i]
    values[strings[i]] = strings[i + 1]
  end
  return names, values
end


-- Takes the pieces out of `shared`, a table, so that no other plugin reads them there. Returns the message, or nil.
function _M.take(shared)
  local pieces, number = {}, 1
  while true do
    local key = _M.KEY .. number
    local piece = shared[key]
    if type(piece) ~= "string" then
      break
    end
    pieces[number] = piece
    shared[key] = nil
    number = number + 1
  end
  return pieces[1] and table.concat(pieces) or nil
end


-- Returns what `message` says, as a table with the fields of the format, numbers as numbers, and `tokens` (a list)
-- and `dictionary` (token -> original). Returns nil and an error where it is damaged or of another version.
function _M.decode(message)
  local whole = strings_of(message)
  if not whole or #whole ~= 1 then
    return nil, "it is cut"
  end
  local names, result = pairs_of(whole[1])
  if not names then
    return nil, "a field is damaged"
  end
  if result.version ~= _M.VERSION then
    return nil, "it is of another version: both halves of aws-masker must come from one release"
  end
  if result.outcome == "refuse" then
    result.status = tonumber(result.status)
    result.retry_after = tonumber(result.retry_after)
    return result
  end
  local tokens, originals = pairs_of(result.dictionary or "")
  if not tokens then
    return nil, "the dictionary is damaged"
  end
  result.tokens, result.dictionary = tokens, originals
  for i = 1, #NUMBERS do
    result[NUMBERS[i]] = tonumber(result[NUMBERS[i]])
  end
  result.restore = result.restore == "1"
  if result.outcome ~= "forward" or not result.edits or not result.body_length or not result.body_crc32 then
    return nil, "it lacks a field"
  end
  return result
end


return _M
