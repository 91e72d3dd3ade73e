-- JSON text read strictly, with the place of every string in it, and the spelling of strings. The counterpart of
-- plugins/aws_masker/jsontext.py: what one refuses, the other refuses.
--
-- Values are bytes: UTF-8, and lone surrogates (JavaScript writes them, as \udxxx) as three bytes like any other
-- character. Two lone surrogates that do not stand in one literal are never joined. Numbers are not converted.
--
-- A node is a table with a `kind`:
--   "string"   value, first, last   (the places of its quotes in the bytes, from 1)
--   "number"   text                 (as it stands)
--   "array"    [1], [2], …          (nodes)
--   "object"   [1], [2], …          (nodes: a name, its value, a name, …), members (value by name)
--   "literal"                       (true, false or null)

local byte, char, find, format = string.byte, string.char, string.find, string.format
local gsub, sub, concat, floor, tonumber = string.gsub, string.sub, table.concat, math.floor, tonumber

local QUOTE, BACKSLASH, LOWER_U, COMMA, COLON = 34, 92, 117, 44, 58
local OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET = 123, 125, 91, 93
local MINUS, PLUS, DOT, ZERO, NINE = 45, 43, 46, 48, 57

local LITERAL = { kind = "literal" }
local SHORT_ESCAPES = {
  [byte('"')] = '"', [byte("\\")] = "\\", [byte("/")] = "/", [byte("b")] = "\b", [byte("f")] = "\f",
  [byte("n")] = "\n", [byte("r")] = "\r", [byte("t")] = "\t",
}
local SPELLINGS = {}
for code = 0, 31 do
  SPELLINGS[char(code)] = format("\\u%04x", code)
end
for letter, meaning in pairs({ ['"'] = '"', ["\\"] = "\\", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }) do
  SPELLINGS[meaning] = "\\" .. letter
end

-- Names and values that most events have. They are not worth reading byte by byte.
local FREQUENT = {
  type = true, index = true, delta = true, text = true, partial_json = true, thinking = true,
  content_block_delta = true, text_delta = true, input_json_delta = true, thinking_delta = true,
}
local LONGEST_FREQUENT = #"content_block_delta"

local _M = {}


local function continues(raw, at)
  local code = byte(raw, at)
  return code and code >= 0x80 and code <= 0xBF
end


-- Returns the place behind the character of UTF-8 that begins at `at` with `lead`, a byte above 0x7F; nil where there
-- is none: an overlong form, a surrogate, above U+10FFFF, or no character at all.
local function behind_character(raw, at, lead)
  if lead < 0xC2 or lead > 0xF4 or not continues(raw, at + 1) then
    return nil
  elseif lead < 0xE0 then
    return at + 2
  end
  local second = byte(raw, at + 1)
  if lead == 0xE0 and second < 0xA0 or lead == 0xED and second > 0x9F or not continues(raw, at + 2) then
    return nil
  elseif lead < 0xF0 then
    return at + 3
  elseif lead == 0xF0 and second < 0x90 or lead == 0xF4 and second > 0x8F or not continues(raw, at + 3) then
    return nil
  end
  return at + 4
end


-- Returns the UTF-8 of a code point, of a surrogate like any other.
local function utf8_of(code)
  if code < 0x80 then
    return char(code)
  elseif code < 0x800 then
    return char(0xC0 + floor(code / 64), 0x80 + code % 64)
  elseif code < 0x10000 then
    return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
  end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64,
    0x80 + code % 64)
end


-- Returns the number that the \uxxxx at `at` gives, or nil where there is none.
local function code_at(raw, at)
  if byte(raw, at) == BACKSLASH and byte(raw, at + 1) == LOWER_U and find(raw, "^%x%x%x%x", at + 2) then
    return tonumber(sub(raw, at + 2, at + 5), 16)
  end
end


-- Returns what the escape at `at` stands for and the place behind it, or nil where it is none.
local function read_escape(raw, at)
  local escaped = byte(raw, at + 1)
  if escaped ~= LOWER_U then
    return SHORT_ESCAPES[escaped], at + 2
  end
  local code = code_at(raw, at)
  if not code then
    return nil
  end
  if code >= 0xD800 and code <= 0xDBFF then
    local low = code_at(raw, at + 6)
    if low and low >= 0xDC00 and low <= 0xDFFF then
      return utf8_of(0x10000 + (code - 0xD800) * 1024 + low - 0xDC00), at + 12
    end
  end
  return utf8_of(code), at + 6
end


-- Returns the place of the next quote or backslash from `at` on, and which it is; nil where a control character, the
-- end or what is no UTF-8 comes first.
local function next_mark(raw, at)
  while at do
    local code = byte(raw, at)
    if code == QUOTE or code == BACKSLASH then
      return at, code
    elseif not code or code < 32 then
      return nil
    elseif code < 0x80 then
      at = at + 1
    else
      at = behind_character(raw, at, code)
    end
  end
end


-- Each reader returns the node whose first byte stands at `at` and the place behind it, or nil where it is no JSON.
local function read_string(raw, at)
  local quote = find(raw, '"', at + 1, true)
  if quote and quote - at <= LONGEST_FREQUENT + 1 then
    local word = sub(raw, at + 1, quote - 1)
    if FREQUENT[word] then
      return { kind = "string", value = word, first = at, last = quote }, quote + 1
    end
  end
  local mark, which = next_mark(raw, at + 1)
  if which == QUOTE then
    return { kind = "string", value = sub(raw, at + 1, mark - 1), first = at, last = mark }, mark + 1
  end
  local pieces, n, from = {}, 0, at + 1
  while which == BACKSLASH do
    local meaning, behind = read_escape(raw, mark)
    if not meaning then
      return nil
    end
    pieces[n + 1], pieces[n + 2] = sub(raw, from, mark - 1), meaning
    n, from = n + 2, behind
    mark, which = next_mark(raw, behind)
  end
  if not mark then
    return nil
  end
  pieces[n + 1] = sub(raw, from, mark - 1)
  return { kind = "string", value = concat(pieces), first = at, last = mark }, mark + 1
end


-- Returns the place behind the digits at `at`, or nil where there are none.
local function skip_digits(raw, at)
  local from = at
  local code = byte(raw, at)
  while code and code >= ZERO and code <= NINE do
    at = at + 1
    code = byte(raw, at)
  end
  return at > from and at or nil
end


local function read_number(raw, first)
  local at = byte(raw, first) == MINUS and first + 1 or first
  at = byte(raw, at) == ZERO and at + 1 or skip_digits(raw, at)
  if at and byte(raw, at) == DOT then
    at = skip_digits(raw, at + 1)
  end
  local exponent = at and byte(raw, at)
  if exponent == 101 or exponent == 69 then
    local sign = byte(raw, at + 1)
    at = skip_digits(raw, (sign == PLUS or sign == MINUS) and at + 2 or at + 1)
  end
  if not at then
    return nil
  end
  return { kind = "number", text = sub(raw, first, at - 1) }, at
end


local function read_literal(raw, at)
  local four = sub(raw, at, at + 3)
  if four == "true" or four == "null" then
    return LITERAL, at + 4
  elseif sub(raw, at, at + 4) == "false" then
    return LITERAL, at + 5
  end
end


local function skip_space(raw, at)
  local code = byte(raw, at)
  while code == 32 or code == 10 or code == 13 or code == 9 do
    at = at + 1
    code = byte(raw, at)
  end
  return at
end


-- Behind an item: returns true and what is behind the container, where `close` ends it; false and where the next item
-- begins, behind a comma; nil where anything else stands.
local function behind_item(raw, at, close)
  at = skip_space(raw, at)
  local code = byte(raw, at)
  if code == close then
    return true, at + 1
  elseif code == COMMA then
    return false, skip_space(raw, at + 1)
  end
  return nil
end


local read_value


local function read_array(raw, at, depth)
  local items, n = { kind = "array" }, 0
  at = skip_space(raw, at + 1)
  if byte(raw, at) == CLOSE_BRACKET then
    return items, at + 1
  end
  local ended = false
  while ended == false do
    local item, behind = read_value(raw, at, depth)
    if not item then
      return nil
    end
    n = n + 1
    items[n] = item
    ended, at = behind_item(raw, behind, CLOSE_BRACKET)
  end
  return ended and items, at
end


local function read_object(raw, at, depth)
  local members, n = {}, 0
  local object = { kind = "object", members = members }
  at = skip_space(raw, at + 1)
  if byte(raw, at) == CLOSE_BRACE then
    return object, at + 1
  end
  local ended = false
  while ended == false do
    if byte(raw, at) ~= QUOTE then
      return nil
    end
    local name, behind = read_string(raw, at)
    if not name or members[name.value] then
      return nil
    end
    at = skip_space(raw, behind)
    if byte(raw, at) ~= COLON then
      return nil
    end
    local value
    value, at = read_value(raw, skip_space(raw, at + 1), depth)
    if not value then
      return nil
    end
    object[n + 1], object[n + 2], members[name.value] = name, value, value
    n = n + 2
    ended, at = behind_item(raw, at, CLOSE_BRACE)
  end
  return ended and object, at
end


-- `depth`: how many containers may still be nested here.
function read_value(raw, at, depth)
  local code = byte(raw, at)
  if code == QUOTE then
    return read_string(raw, at)
  elseif code == OPEN_BRACE or code == OPEN_BRACKET then
    if depth == 0 then
      return nil
    end
    local read_container = code == OPEN_BRACE and read_object or read_array
    return read_container(raw, at, depth - 1)
  elseif code == MINUS or code and code >= ZERO and code <= NINE then
    return read_number(raw, at)
  end
  return read_literal(raw, at)
end


-- Returns the node for `raw`, one JSON value with containers nested at most `max_depth` deep, or nil for whatever
-- another parser might read differently or not at all: no UTF-8, a byte order mark, no JSON, a truncated text,
-- something behind the value, NaN and Infinity, two members of one name, too deep.
function _M.parse(raw, max_depth)
  local node, behind = read_value(raw, skip_space(raw, 1), max_depth)
  if node and skip_space(raw, behind) > #raw then
    return node
  end
end


-- Spells the surrogate whose three bytes are 0xED and these two.
local function spell_surrogate(second, third)
  return format("\\u%04x", 0xD000 + (byte(second) - 0x80) * 64 + byte(third) - 0x80)
end


-- Returns the inside of the JSON string literal for `value` (without the quotes), in canonical spelling, which is what
-- JSON.stringify writes: \" \\ \b \f \n \r \t, other control characters as \u00xx and lone surrogates as \udxxx
-- (both in lower case), all else as raw UTF-8.
function _M.encode(value)
  if find(value, '[%z\1-\31"\\]') then
    value = gsub(value, '[%z\1-\31"\\]', SPELLINGS)
  end
  if find(value, "\237[\160-\191]") then
    value = gsub(value, "\237([\160-\191])([\128-\191])", spell_surrogate)
  end
  return value
end


_M.utf8_of = utf8_of

return _M
