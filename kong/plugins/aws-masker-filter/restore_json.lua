-- Answers that are JSON documents, and lines of them, with the tokens in their strings restored. The rules (which
-- objects are left alone, where an account id becomes bare digits) are those of plugins/aws_masker/restore_json.py.
--
-- An edit is a table { first, last, replacement }: places in the bytes, from 1. Lists of edits are ascending.

local concat, find, format, gsub, sub = table.concat, string.find, string.format, string.gsub, string.sub
local jsontext = require("kong.plugins.aws-masker-filter.jsontext")
local restore_tokens = require("kong.plugins.aws-masker-filter.restore_tokens")

local IMMUTABLE = { thinking = true, redacted_thinking = true, compaction = true }

local _M = {
  MAX_DEPTH = 200,
  MAX_BYTES = 64 * 1024 * 1024,
  MAX_VALUES = 500000,
  -- What the error of an answer beyond its limit says, and no other.
  TOO_LARGE = "so it cannot be restored",
}


-- Raises an error if `size` exceeds `limit`; both are bytes. The answer cannot be continued then.
function _M.check_size(size, limit, what)
  if size > limit then
    local text = "a %s in the answer is larger than %d bytes, %s: ask for less at once, or raise the limit"
    error(format(text, what, limit, _M.TOO_LARGE), 0)
  end
end


-- Raises an error if `number` exceeds `limit`.
function _M.check_number(number, limit, what)
  if number > limit then
    local text = "the answer has more than %d %s, %s: see what answers for the API"
    error(format(text, limit, what, _M.TOO_LARGE), 0)
  end
end


-- Returns a document; nil for one that is not JSON, nested too deep, or of too many values.
function _M.parsed(raw)
  if #raw > _M.MAX_VALUES and select(2, gsub(raw, "[,%[{]", "")) > _M.MAX_VALUES then
    return nil
  end
  return jsontext.parse(raw, _M.MAX_DEPTH)
end


-- Returns `raw` with `edits` made.
function _M.apply(edits, raw)
  if not edits[1] then
    return raw
  end
  local pieces, n, from = {}, 0, 1
  for i = 1, #edits do
    local edit = edits[i]
    pieces[n + 1], pieces[n + 2] = sub(raw, from, edit[1] - 1), edit[3]
    n, from = n + 2, edit[2] + 1
  end
  pieces[n + 1] = sub(raw, from)
  return concat(pieces)
end


local function visit_string(node, state, may_be_number)
  local value, lookup, counts = node.value, state.lookup, state.counts
  if not find(value, "-x", 1, true) then
    return
  end
  local edits = state.edits
  local digits = may_be_number and lookup:bare_number(value)
  if digits then
    counts.restored = counts.restored + 1
    edits[#edits + 1] = { node.first, node.last, digits }
    return
  end
  local restored = restore_tokens.restore_whole(value, lookup, counts, restore_tokens.TEXT)
  if restored ~= value then
    edits[#edits + 1] = { node.first + 1, node.last - 1, jsontext.encode(restored) }
  end
end


local function visit(node, state, in_protocol, in_input)
  local kind = node.kind
  if kind == "string" then
    visit_string(node, state, in_input or not in_protocol)
  elseif kind == "array" then
    for i = 1, #node do
      visit(node[i], state, in_protocol, in_input)
    end
  elseif kind == "object" then
    local object_type = not in_input and node.members.type
    local is_typed = object_type and object_type.kind == "string"
    if is_typed and IMMUTABLE[object_type.value] then
      return
    end
    for i = 1, #node, 2 do
      visit_string(node[i], state, false)
      visit(node[i + 1], state, in_protocol or is_typed, in_input or (is_typed and node[i].value == "input"))
    end
  end
end


-- Returns the edits that restore `node` of a document.
function _M.edits(node, lookup, counts)
  local state = { lookup = lookup, counts = counts, edits = {} }
  visit(node, state, false, false)
  return state.edits
end


-- Tells whether no string of `raw` can have "-x" in it: it is not there, nor are escapes that could stand for it.
local function has_no_token(raw)
  return not find(raw, "-x", 1, true) and not find(raw, "\\u", 1, true)
end


-- Returns a document with its tokens restored; one that is not JSON is restored as text.
local function restore_document(raw, lookup, counts)
  if has_no_token(raw) then
    return raw
  end
  local node = _M.parsed(raw)
  if not node then
    return restore_tokens.restore_whole(raw, lookup, counts, restore_tokens.BYTES)
  end
  return _M.apply(_M.edits(node, lookup, counts), raw)
end


-- One JSON text that is held until it is complete.
local Held = {}


-- Raises an error if the text exceeds the limit.
function Held:take(piece)
  self.size = self.size + #piece
  _M.check_size(self.size, self.max_bytes, self.what)
  self.pieces[#self.pieces + 1] = piece
end


-- Returns what has been taken, restored.
function Held:close()
  local raw = concat(self.pieces)
  self.pieces, self.size = {}, 0
  return restore_document(raw, self.lookup, self.counts)
end


local function new_held(kind, what, lookup, counts, max_bytes)
  local held = { lookup = lookup, counts = counts, max_bytes = max_bytes, what = what, size = 0, pieces = {} }
  return setmetatable(held, kind)
end


-- Restores one JSON document. It is held until `close`, since an object's type may stand at its end.
local Document = setmetatable({}, { __index = Held })
Document.__index = Document


function _M.new_document(lookup, counts, max_bytes)
  return new_held(Document, "JSON document", lookup, counts, max_bytes)
end


-- Takes the next bytes. Returns nothing yet; raises an error if the document exceeds the limit.
function Document:feed(data)
  self:take(data)
  return ""
end


-- Restores JSONL, each line as soon as it is complete; the last one, if it does not end, with `close`.
local Lines = setmetatable({}, { __index = Held })
Lines.__index = Lines


function _M.new_lines(lookup, counts, max_bytes)
  return new_held(Lines, "line of JSON", lookup, counts, max_bytes)
end


-- Takes the next bytes; returns the lines that they complete. Raises an error if one exceeds the limit.
function Lines:feed(data)
  local out, n, from = {}, 0, 1
  local line_feed = find(data, "\n", 1, true)
  while line_feed do
    self:take(sub(data, from, line_feed - 1))
    out[n + 1], out[n + 2] = self:close(), "\n"
    n, from = n + 2, line_feed + 1
    line_feed = find(data, "\n", from, true)
  end
  self:take(sub(data, from))
  return concat(out)
end


return _M
