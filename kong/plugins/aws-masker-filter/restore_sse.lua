-- Answers that are streams of server-sent events, restored event by event as they arrive. The rules (framing, which
-- deltas go on from event to event, what is released when) are those of plugins/aws_masker/restore/events.py.

local byte, find, format, match, sub = string.byte, string.find, string.format, string.match, string.sub
local concat, min = table.concat, math.min
local jsontext = require("kong.plugins.aws-masker-filter.jsontext")
local lists = require("kong.plugins.aws-masker-filter.lists")
local restore_json = require("kong.plugins.aws-masker-filter.restore_json")
local restore_tokens = require("kong.plugins.aws-masker-filter.restore_tokens")

-- More than blocks of any answer that is counted; what is longer is no index.
local MAX_DIGITS = 9
local LINE_FEED, CARRIAGE_RETURN, SPACE = 10, 13, 32

-- Kinds of deltas whose text goes on from event to event.
local KINDS = {
  text_delta = { field = "text", entering = restore_tokens.TEXT },
  input_json_delta = { field = "partial_json", entering = restore_tokens.JSON },
}
local RELEASED = 'event: content_block_delta%sdata: {"type":"content_block_delta","index":%s,'
  .. '"delta":{"type":"%s","%s":"%s"}}%s%s'
local NO_EDITS = {}

local Stream = {}
Stream.__index = Stream

local _M = {}


function _M.new(lookup, counts, bounds)
  return setmetatable({
    lookup = lookup,
    counts = counts,
    bounds = bounds,
    texts = {}, -- list of { index (as written), kind, restorer }, in the order in which they began
    restorers = { text_delta = {}, input_json_delta = {} }, -- the same: restorer by index, by kind
    size = 0, -- of the event that is not complete
    lines = {}, -- its complete lines
    pieces = {}, -- what there is of its next line
    after_cr = false, -- whether the last byte was a CR, so that an LF would belong to the same line
    newline = "\n",
  }, Stream)
end


-- Returns the next place of `character` from `from` on; the place behind the end of `data` where there is none. `known`
-- is what this function returned for an earlier `from`.
local function next_place(data, character, from, known)
  if known >= from then
    return known
  end
  return find(data, character, from, true) or #data + 1
end


-- Returns the place of the last byte of `line` that belongs to no line ending.
local function end_of_content(line)
  local last = #line
  local code = byte(line, last)
  while code == LINE_FEED or code == CARRIAGE_RETURN do
    last = last - 1
    code = byte(line, last)
  end
  return last
end


-- Returns an event's data, and the places of its lines: lists of where each begins in the data and in the event.
local function data_of(lines)
  local values, in_data, in_event, n = {}, {}, {}, 0
  local data_at, event_at = 1, 1
  for i = 1, #lines do
    local line = lines[i]
    if sub(line, 1, 5) == "data:" then
      local from = byte(line, 6) == SPACE and 7 or 6
      n = n + 1
      values[n] = sub(line, from, end_of_content(line))
      in_data[n], in_event[n] = data_at, event_at + from - 1
      data_at = data_at + #values[n] + 1
    end
    event_at = event_at + #line
  end
  return n == 1 and values[1] or concat(values, "\n"), in_data, in_event
end


-- Turns edits to an event's data into edits to the event. No literal of a string extends over two lines.
local function move(edits, in_data, in_event)
  local line = 1
  for i = 1, #edits do
    local edit = edits[i]
    while in_data[line + 1] and in_data[line + 1] <= edit[1] do
      line = line + 1
    end
    local by = in_event[line] - in_data[line]
    edit[1], edit[2] = edit[1] + by, edit[2] + by
  end
  return edits
end


local function string_in(node, name)
  local member = node and node.kind == "object" and node.members[name]
  return member and member.kind == "string" and member.value or nil
end


-- Returns the event's index as it is written, or nil if it is no whole number of nine digits at most.
local function index_in(node)
  local member = node.kind == "object" and node.members.index
  return member and member.kind == "number" and #member.text <= MAX_DIGITS and match(member.text, "^%d+$") or nil
end


-- Returns the restorer of the text that `index` and `kind` name.
function Stream:text_for(index, kind)
  local restorer = self.restorers[kind][index]
  if not restorer then
    restore_json.check(#self.texts + 1, self.bounds, "texts", "texts at once")
    restorer = restore_tokens.new_text(self.lookup, self.counts, KINDS[kind].entering)
    self.restorers[kind][index] = restorer
    self.texts[#self.texts + 1] = { index = index, kind = kind, restorer = restorer }
  end
  return restorer
end


-- Ends the texts of `index` (nil: all) and appends an event for each that holds something back to `out`.
function Stream:release(out, index)
  local others = {}
  for _, text in ipairs(self.texts) do
    if index and text.index ~= index then
      others[#others + 1] = text
    else
      self.restorers[text.kind][text.index] = nil
      if text.restorer:holds() then
        local held, newline = jsontext.encode(text.restorer:close()), self.newline
        out[#out + 1] = format(RELEASED, newline, text.index, text.kind, KINDS[text.kind].field, held, newline, newline)
      end
    end
  end
  self.texts = others
end


-- Returns the edits to a delta, or nil for one that is like any other event.
function Stream:restore_delta(node, index)
  local delta = node.members.delta
  local kind = string_in(delta, "type")
  if lists.untouched[kind] then
    return NO_EDITS
  end
  local text = KINDS[kind] and delta.members[KINDS[kind].field]
  if not text or text.kind ~= "string" then
    return nil
  end
  local restorer = self:text_for(index, kind)
  local restored = restorer:feed(text.value)
  if text.value ~= "" and restorer:holds() then
    self.counts.held = self.counts.held + 1
  end
  if restored == text.value then
    return NO_EDITS
  end
  return { { text.first + 1, text.last - 1, jsontext.encode(restored) } }
end


-- Returns the edits to the data `node` of an event; appends to `out` what is to be sent before it.
function Stream:restore(out, node)
  local kind, index = string_in(node, "type"), index_in(node)
  if kind == "content_block_delta" and index then
    local edits = self:restore_delta(node, index)
    if edits then
      return edits
    end
  end
  if lists.release_all[kind] then
    self:release(out)
  elseif lists.release_index[kind] and index then
    self:release(out, index)
  end
  return restore_json.edits(node, self.lookup, self.counts)
end


-- Appends a complete event, restored, to `out`, and before it what it releases.
function Stream:event(out, lines)
  local raw = concat(lines)
  local content = end_of_content(lines[1])
  if content > 0 then
    self.newline = sub(lines[1], content + 1)
  end
  local data, in_data, in_event = data_of(lines)
  local node = data ~= "" and restore_json.parsed(data, self.bounds.values)
  if node then
    raw = restore_json.apply(move(self:restore(out, node), in_data, in_event), raw)
  end
  out[#out + 1] = raw
end


-- Takes the next bytes; returns the events that they complete. Raises an error if one exceeds the limit.
function Stream:feed(data)
  if data == "" then
    return ""
  end
  local out, lines, pieces = {}, self.lines, self.pieces
  local from, stop = 1, #data
  if self.after_cr and byte(data, 1) == LINE_FEED then
    from = 2
    if lines[1] then
      lines[#lines] = lines[#lines] .. "\n"
    else
      out[1] = "\n" -- of the empty line whose event has been sent
    end
  end
  self.after_cr = byte(data, stop) == CARRIAGE_RETURN
  local line_feed, carriage_return = 0, 0
  while from <= stop do
    line_feed = next_place(data, "\n", from, line_feed)
    carriage_return = next_place(data, "\r", from, carriage_return)
    local last = min(line_feed, carriage_return)
    if line_feed == carriage_return + 1 and line_feed <= stop then
      last = line_feed
    end
    local line = sub(data, from, last)
    self.size = self.size + #line
    restore_json.check(self.size, self.bounds, "event", "bytes in a server-sent event")
    if last > stop then
      pieces[#pieces + 1] = line
      break
    end
    if pieces[1] then
      pieces[#pieces + 1] = line
      line = concat(pieces)
      pieces = {}
      self.pieces = pieces
    end
    restore_json.check(#lines + 1, self.bounds, "lines", "lines in an event")
    lines[#lines + 1] = line
    if end_of_content(line) == 0 then
      self:event(out, lines)
      lines = {}
      self.lines, self.size = lines, 0
    end
    from = last + 1
  end
  return out[2] and concat(out) or out[1] or ""
end


-- Returns what is held back, then what there is of an incomplete event, unchanged.
function Stream:close()
  local out = {}
  self:release(out)
  out[#out + 1] = concat(self.lines)
  out[#out + 1] = concat(self.pieces)
  self.lines, self.pieces = {}, {}
  return concat(out)
end


return _M
