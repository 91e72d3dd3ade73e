-- Tokens in running text put back to their originals. The docstring of plugins/aws_masker/restore_tokens.py states the
-- algorithm in full; this is the same on bytes. All text that matters to it is ASCII, and no byte of another character
-- in UTF-8 is, so it makes no difference that Python counts characters.
--
-- `text` is a string throughout; places in it count from 1. `sent` and `floor` are lengths: the number of bytes that
-- have been sent, and that end with the last restored token.

local byte, find, gsub, sub = string.byte, string.find, string.gsub, string.sub
local char, concat, max, min = string.char, table.concat, math.max, math.min
local jsontext = require("kong.plugins.aws-masker-filter.jsontext")

local NUMBER_STEM = "acctn-x"
local HIT = 18 -- "-x" and 16 characters
local MAX_LABEL = 24
local CONTEXT = MAX_LABEL + HIT - 1 -- what is remembered of text that was sent: it may begin what is only counted
local SLASHES = 40
local SPACES = 64
local DASH, LOWER_X, QUOTE, BACKSLASH, COLON, ZERO = byte('-x"\\:0', 1, 6)

-- Sets of bytes.
local function bytes_of(characters)
  local set = {}
  for code = 0, 255 do
    set[code] = find(characters, char(code), 1, true) ~= nil
  end
  return set
end

local ALPHABET = bytes_of("0123456789abcdefghjkmnpqrstvwxyz")
local LABEL = bytes_of("abcdefghijklmnopqrstuvwxyz0123456789-")
local LETTERS = bytes_of("abcdefghijklmnopqrstuvwxyz")
local SPACE = bytes_of(" \t\n\r")

local _M = {}


-- Returns the place of the first byte from `first` to `last` that is not in `set`, or `last` + 1.
local function skip(text, set, first, last)
  while first <= last and set[byte(text, first)] do
    first = first + 1
  end
  return first
end


-- A dictionary (token -> original), prepared for the search. Keys that have no token's shape are never found.
local Lookup = {}
Lookup.__index = Lookup


-- Returns the label of `key`, or nil where that has no token's shape.
local function label_of(key)
  local length = #key - HIT
  if length > 0 and byte(key, length + 1) == DASH and byte(key, length + 2) == LOWER_X
    and skip(key, ALPHABET, length + 3, #key) > #key and skip(key, LABEL, 1, length) > length
  then
    return sub(key, 1, length)
  end
end


function _M.new_lookup(dictionary)
  local labels, lengths, stems, longest = {}, {}, {}, 0
  for token in pairs(dictionary) do
    local label = label_of(token)
    if label then
      labels[label] = true
    end
  end
  for label in pairs(labels) do
    -- A stem is what a token can begin with before its 16 characters: "i", "i-", "i-x".
    for last = 1, #label + 2 do
      stems[sub(label .. "-x", 1, last)] = true
    end
    longest = max(longest, #label + 2)
    lengths[#label] = true
  end
  local descending = {}
  for length = longest, 1, -1 do
    if lengths[length] then
      descending[#descending + 1] = length
    end
  end
  return setmetatable({
    dictionary = dictionary, labels = labels, label_lengths = descending, stems = stems, longest_stem = longest,
  }, Lookup)
end


-- Returns the token whose "-x" stands at `dash` and that begins behind `sent`, and its original; or nil.
function Lookup:ending_at(text, dash, sent)
  local lengths = self.label_lengths
  for i = 1, #lengths do
    local first = dash - lengths[i]
    if first > sent then
      local token = sub(text, first, dash + HIT - 1)
      local original = self.dictionary[token]
      if original then
        return token, original
      end
    end
  end
end


-- Returns the digits that replace a JSON string which is nothing but `token`, or nil if it stays a string.
function Lookup:bare_number(token)
  local original = sub(token, 1, #NUMBER_STEM) == NUMBER_STEM and label_of(token) and self.dictionary[token]
  return original and find(original, "^[1-9]%d*$") and original or nil
end


-- Returns where the suffix of `text` begins that may be the beginning of a token; the place behind its end if there is
-- none. Nothing up to `floor` is considered.
function Lookup:held_from(text, floor)
  local stop = #text
  if self.longest_stem == 0 then
    return stop + 1
  end
  local first = stop -- where what can belong to a token begins: labels and stems are made of a label's characters
  local lowest = max(floor, stop - self.longest_stem - HIT)
  while first > lowest and LABEL[byte(text, first)] do
    first = first - 1
  end
  floor = first
  if floor == stop then
    return stop + 1
  end
  local start = stop + 1
  for dash = stop - 1, max(floor + 1, stop - HIT + 2), -1 do
    if byte(text, dash) == DASH then
      if byte(text, dash + 1) == LOWER_X and skip(text, ALPHABET, dash + 2, stop) > stop then
        start = self:begun_at(text, dash, floor) or start
      end
      break
    end
  end
  for length = min(self.longest_stem, stop - floor), stop - start + 2, -1 do
    if self.stems[sub(text, stop - length + 1)] then
      return stop - length + 1
    end
  end
  return start
end


-- Returns where the longest label begins that ends before the "-x" at `dash`, or nil.
function Lookup:begun_at(text, dash, floor)
  local lengths = self.label_lengths
  for i = 1, #lengths do
    local first = dash - lengths[i]
    if first > floor and self.labels[sub(text, first, dash - 1)] then
      return first
    end
  end
end


-- Tells whether the quote at `quote` is escaped, or may be: only so many backslashes are counted.
local function is_escaped(text, quote)
  local at = quote - 1
  while at >= 1 and at >= quote - SLASHES - 1 and byte(text, at) == BACKSLASH do
    at = at - 1
  end
  local slashes = quote - 1 - at
  return slashes % 2 == 1 or slashes > SLASHES
end


-- Returns the same for a quote and an "acctn" token, which is a string of its own in JSON text.
function Lookup:quote_held_from(text, floor)
  local stop = #text
  if not self.stems[NUMBER_STEM] then
    return stop + 1
  end
  local quote = stop
  local lowest = max(floor + 1, stop - #NUMBER_STEM - HIT + 1)
  while quote >= lowest and byte(text, quote) ~= QUOTE do
    quote = quote - 1
  end
  if quote < lowest or is_escaped(text, quote) then
    return stop + 1
  end
  local begun = stop - quote
  local stem = #NUMBER_STEM
  if begun <= stem then
    return sub(text, quote + 1) == sub(NUMBER_STEM, 1, begun) and quote or stop + 1
  end
  if sub(text, quote + 1, quote + stem) == NUMBER_STEM and begun < stem + HIT - 2
    and skip(text, ALPHABET, quote + stem + 1, stop) > stop
  then
    return quote
  end
  return stop + 1
end


-- Tells whether what stands to the left of the "-x" at `dash` looks like a label.
local function has_label(text, dash, floor)
  for at = dash - 1, max(floor + 1, dash - MAX_LABEL), -1 do
    local code = byte(text, at)
    if not LABEL[code] then
      return false
    elseif LETTERS[code] then
      return true
    end
  end
  return false
end


-- Tells whether the token from `first` to `last` is a JSON string of its own, and no member's name. Nil if that cannot
-- be told before more text is known; never nil if `final`.
local function is_whole_string(text, first, last, sent, final)
  if first - 1 <= sent or byte(text, first - 1) ~= QUOTE or is_escaped(text, first - 1) then
    return false
  end
  if last == #text and not final then
    return nil
  end
  if byte(text, last + 1) ~= QUOTE then
    return false
  end
  local furthest = last + 2 + SPACES
  local following = skip(text, SPACE, last + 2, min(#text, furthest))
  if following > #text and following <= furthest and not final then
    return nil
  end
  return following > furthest or byte(text, following) ~= COLON
end


-- Returns the character that two surrogates make: four of their bytes, those behind each 0xED.
local function join_surrogates(high, high_end, low, low_end)
  local first = (byte(high) - 0xA0) * 64 + byte(high_end) - 0x80
  local second = (byte(low) - 0xB0) * 64 + byte(low_end) - 0x80
  return jsontext.utf8_of(0x10000 + first * 1024 + second)
end


-- An original as UTF-8 proper: two surrogates that make a pair become a character, others U+FFFD.
local function as_utf8(original)
  if not find(original, "\237[\160-\191]") then
    return original
  end
  original = gsub(original, "\237([\160-\175])([\128-\191])\237([\176-\191])([\128-\191])", join_surrogates)
  return (gsub(original, "\237[\160-\191][\128-\191]", "\239\191\189"))
end


local function as_it_is(original)
  return original
end


-- What kind of text the originals enter, and so how they are spelled.
_M.TEXT = as_it_is
_M.JSON = jsontext.encode
_M.BYTES = as_utf8


-- Restores one text that arrives in pieces. Where it was cut makes no difference to what comes out.
local Text = {}
Text.__index = Text


function _M.new_text(lookup, counts, entering)
  return setmetatable({
    lookup = lookup,
    counts = counts,
    entering = entering,
    text = "", -- context that has been sent, then text that is held back
    sent = 0, -- the length of the context
    next = 1, -- where the search for "-x" goes on
  }, Text)
end


-- Tells whether text is being held back.
function Text:holds()
  return self.sent < #self.text
end


-- Returns where held text begins, if all up to `sent` has been sent.
function Text:held_from(text, sent)
  local start = self.lookup:held_from(text, sent)
  if self.entering == _M.JSON then
    return min(start, self.lookup:quote_held_from(text, sent))
  end
  return start
end


-- Takes the next piece, which may be `final`; returns the text that is certain now.
function Text:advance(piece, final)
  local text = self.text .. piece
  local stop = #text
  local out, n = {}, 0
  local sent = self.sent
  local floor = 0 -- where the last restored token ended
  local undecided = stop + 1 -- where a number's string begins of which too little is known
  local search = self.next
  local dash = find(text, "-x", search, true)
  while dash do
    local last = dash + HIT - 1
    local same = skip(text, ALPHABET, dash + 2, min(last, stop))
    if same <= last then
      if same > stop and not final then -- may become a hit
        search = dash
        break
      end
      search = dash + 2
    else
      local token, original = self.lookup:ending_at(text, dash, sent)
      if not token then
        if has_label(text, dash, floor) then
          self.counts.unresolved = self.counts.unresolved + 1
        end
        search = last + 1
      else
        local first = last - #token + 1
        local digits = self.entering == _M.JSON and self.lookup:bare_number(token)
        local known = false
        if digits then
          known = is_whole_string(text, first, last, sent, final)
        end
        if known == nil then
          undecided, search = first - 1, dash
          break
        elseif known then
          first, last = first - 1, last + 1
        end
        out[n + 1] = sub(text, sent + 1, first - 1)
        out[n + 2] = known and digits or self.entering(original)
        n = n + 2
        self.counts.restored = self.counts.restored + 1
        sent, floor, search = last, last, last + 1
      end
    end
    dash = find(text, "-x", search, true)
  end
  if not dash then
    search = max(search, stop) -- a final "-" may become "-x"
  end
  local certain = final and stop or min(undecided, self:held_from(text, sent)) - 1
  local kept = max(floor, certain - CONTEXT)
  self.text, self.sent, self.next = sub(text, kept + 1), certain - kept, search - kept
  if n == 0 then
    return sub(text, sent + 1, certain)
  end
  out[n + 1] = sub(text, sent + 1, certain)
  return concat(out)
end


-- Takes the next piece; returns the text that is certain now.
function Text:feed(piece)
  return self:advance(piece, false)
end


-- Returns what was held back. The text ends here.
function Text:close()
  local rest = self:advance("", true)
  self.text, self.sent, self.next = "", 0, 1
  return rest
end


-- Returns `text`, which is complete, with its tokens restored.
function _M.restore_whole(text, lookup, counts, entering)
  if not find(text, "-x", 1, true) then
    return text
  end
  return _M.new_text(lookup, counts, entering):advance(text, true)
end


return _M
