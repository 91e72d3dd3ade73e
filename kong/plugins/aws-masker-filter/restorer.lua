-- Which restorer an answer needs, by its content type: the entrance to restore_json, restore_sse and text.
--
-- Restorers know no ngx and no kong: bytes in, bytes out. Feed them an answer in whatever pieces it arrives, send what
-- they return, and close them at its end. The pieces' boundaries make no difference to what comes out. They give the
-- same bytes and the same counts as those in plugins/aws_masker/restore, which is where their rules are stated.

local find, lower, match, sub = string.find, string.lower, string.match, string.sub
local lists = require("kong.plugins.aws-masker-filter.lists")
local restore_json = require("kong.plugins.aws-masker-filter.restore_json")
local restore_sse = require("kong.plugins.aws-masker-filter.restore_sse")
local restore_tokens = require("kong.plugins.aws-masker-filter.restore_tokens")

local _M = {}


-- Passes on what holds no text that could be restored.
local Untouched = {}
Untouched.__index = Untouched


function Untouched:feed(data)
  return data
end


function Untouched:close()
  return ""
end


local function media_type_of(content_type)
  local text = match(match(content_type, "^[^;]*"), "%S.*") or ""
  return lower(match(text, "^.*%S") or "")
end


-- Returns a restorer for an answer with this Content-Type. `dictionary`: token -> original, both bytes; originals are
-- UTF-8 and may hold lone surrogates as three bytes each. `bounds` has the fields of restore_json.BOUNDS, or some of them.
--
-- A restorer has `feed(data)` and `close()`, which return bytes, and `counts`: `restored` (tokens put back),
-- `unresolved` (token-shaped text that the dictionary does not know) and `held` (events of a stream from whose text
-- something was held back). `feed` raises an error, a text without values, where one of them is exceeded: the
-- answer cannot be continued then.
function _M.new(content_type, dictionary, bounds)
  local media_type = media_type_of(content_type)
  local counts = { restored = 0, unresolved = 0, held = 0 }
  local make
  if media_type == "text/event-stream" then
    make = restore_sse.new
  elseif media_type == "application/json" or find(media_type, "%+json$") then
    make = restore_json.new_document
  elseif lists.json_lines[media_type] then
    make = restore_json.new_lines
  elseif sub(media_type, 1, 5) == "text/" or lists.texts[media_type] or find(media_type, "%+xml$")
    or find(media_type, "%+yaml$") then
    return restore_tokens.new_text(restore_tokens.new_lookup(dictionary), counts, restore_tokens.BYTES)
  else
    return setmetatable({ counts = counts }, Untouched)
  end
  return make(restore_tokens.new_lookup(dictionary), counts, restore_json.bounded(bounds))
end


return _M
