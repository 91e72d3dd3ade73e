-- Answers that are JSON documents, and lines of them, with the tokens in their strings restored. The rules (which
-- objects are left alone, where an account id becomes bare digits) are those of plugins/aws_masker/restore/documents.py.
--
-- An edit is a table { first, last, replacement }: places in the bytes, from 1. Lists of edits are ascending.

local concat, find, format, gsub, sub = table.concat, string.find, string.format, string.gsub, string.sub
local jsontext = require("kong.plugins.aws-masker-filter.jsontext")
local lists = require("kong.plugins.aws-masker-filter.lists")
local restore_tokens = require("kong.plugins.aws-masker-filter.restore_tokens")

local _M = {
  -- No setting: how deep a reader can go depends on its stack, and this one must read what Python's reads.
  MAX_DEPTH = 200,
  -- How much of an answer may be held at once, where the settings say nothing: bytes, and numbers.
  BOUNDS = { event = 64 * 1024 * 1024, lines = 100000, texts = 1000, values = 500000 },
  -- What the error of an answer beyond its limit says, and no other.
  TOO_LARGE = "so it cannot be restored",
}


-- Returns all bounds: those in `given`, a table or nil, and the defaults for the others.
function _M.bounded(given)
  local bounds = {}
  for name, default in pairs(_M.BOUNDS) do
    bounds[name] = given and given[name] or default
  end
  return bounds
end


-- Raises an error if `number` exceeds the bound of this name: the answer cannot be continued then.
function _M.check(number, bounds, name, what)
  if number > bounds[name] then
    local text = "the answer has more than %d %s, %s: see what answers for the API, ask for less at once, "
      .. "or raise limits.%s"
    error(format(text, bounds[name], what, _M.TOO_LARGE, name), 0)
  end
end


-- Returns a document; nil for one that is not JSON, nested too deep, or of more than so many values.
function _M.parsed(raw, values)
  if #raw > values and select(2, gsub(raw, "[,%[{]", "")) > values then
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
    if is_typed and lists.immutable[object_type.value] then
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
local function restore_document(raw, lookup, counts, values)
  if has_no_token(raw) then
    return raw
  end
  local node = _M.parsed(raw, values)
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
  _M.check(self.size, self.bounds, "event", self.what)
  self.pieces[#self.pieces + 1] = piece
end


-- Returns what has been taken, restored.
function Held:close()
  local raw = concat(self.pieces)
  self.pieces, self.size = {}, 0
  return restore_document(raw, self.lookup, self.counts, self.bounds.values)
end


local function new_held(kind, what, lookup, counts, bounds)
  local held = { lookup = lookup, counts = counts, bounds = bounds, what = what, size = 0, pieces = {} }
  return setmetatable(held, kind)
end


-- Restores one JSON document. It is held until `close`, since an object's type may stand at its end.
local Document = setmetatable({}, { __index = Held })
Document.__index = Document


function _M.new_document(lookup, counts, bounds)
  return new_held(Document, "bytes in a JSON document", lookup, counts, bounds)
end


-- Takes the next bytes. Returns nothing yet; raises an error if the document exceeds the limit.
function Document:feed(data)
  self:take(data)
  return ""
end


-- Restores JSONL, each line as soon as it is complete; the last one, if it does not end, with `close`.
local Lines = setmetatable({}, { __index = Held })
Lines.__index = Lines


function _M.new_lines(lookup, counts, bounds)
  return new_held(Lines, "bytes in a line of JSON", lookup, counts, bounds)
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
