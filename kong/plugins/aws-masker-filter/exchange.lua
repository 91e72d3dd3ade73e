-- Reads what the Python plugin says about a request: the format is described in plugins/aws_masker/kong/exchange.py.
-- No ngx, no kong: plain functions over strings and tables.

local find, sub, tonumber = string.find, string.sub, tonumber

local _M = { VERSION = "2", KEY = "aws_masker_" }


-- Returns the netstring that begins at `at`, and where the next one begins; nil where there is none.
local function netstring(text, at)
  local _, colon, digits = find(text, "^(%d+):", at)
  if not colon then
    return nil
  end
  local stop = colon + tonumber(digits)
  if sub(text, stop + 1, stop + 1) ~= "," then
    return nil
  end
  return sub(text, colon + 1, stop), stop + 2
end


-- Returns name, value, name, value, ... of netstrings as a table; nil and an error where they are damaged.
local function pairs_of(text)
  local found, at = {}, 1
  while at <= #text do
    local name, value
    name, at = netstring(text, at)
    if not name then
      return nil, "a name is damaged"
    end
    value, at = netstring(text, at)
    if not value then
      return nil, "a value is damaged"
    end
    found[name] = value
  end
  return found
end


-- Returns tokens in their order, and a table token -> original.
local function dictionary_of(text)
  local tokens, originals, at = {}, {}, 1
  while at <= #text do
    local token, original
    token, at = netstring(text, at)
    if not token then
      return nil, "a token is damaged"
    end
    original, at = netstring(text, at)
    if not original then
      return nil, "an original is damaged"
    end
    tokens[#tokens + 1] = token
    originals[token] = original
  end
  return tokens, originals
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
  local inside, after = netstring(message, 1)
  if not inside or after ~= #message + 1 then
    return nil, "it is cut"
  end
  local result, err = pairs_of(inside)
  if not result then
    return nil, err
  end
  if result.version ~= _M.VERSION then
    return nil, "it is of another version: both halves of aws-masker must come from one release"
  end
  if result.outcome == "refuse" then
    result.status = tonumber(result.status)
    result.retry_after = tonumber(result.retry_after)
    return result
  end
  local tokens, originals = dictionary_of(result.dictionary or "")
  if not tokens then
    return nil, originals
  end
  result.tokens, result.dictionary = tokens, originals
  result.body_length = tonumber(result.body_length)
  result.body_crc32 = tonumber(result.body_crc32)
  result.upstream_port = tonumber(result.upstream_port)
  result.event = tonumber(result.event)
  result.answer = tonumber(result.answer)
  result.answer_seconds = tonumber(result.answer_seconds)
  result.restore = result.restore == "1"
  if result.outcome ~= "forward" or not result.edits or not result.body_length or not result.body_crc32 then
    return nil, "it lacks a field"
  end
  return result
end


return _M
