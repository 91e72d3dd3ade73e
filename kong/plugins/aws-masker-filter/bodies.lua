-- Masked bodies, where somebody wants to keep them: what was sent to the API and what it answered, both as the API saw
-- them. `sent` is there after the edits and `answered` before anything is restored, so that no original is in either.
--
-- Python says which requests these are and how much of each body is kept (`record_body`, bytes), and names the place
-- (`bodies`), which comes back to it as it is. After the answer both go to the plugin server, through a queue of their own:
-- it is bodies that find no room, never records. All that a worker holds, from the request until the plugin server has it,
-- is at most limits.waiting_bytes. Bodies beyond that are left out; the next ones of the same place say how many were.

local cjson = require("cjson.safe")
local Queue = require("kong.tools.queue")
local plugin_server = require("kong.plugins.aws-masker-filter.plugin_server")

local kong, ngx = kong, ngx
local concat, format, match, sub = table.concat, string.format, string.match, string.sub

local _M = {
  -- In seconds: so long is a plugin server waited for that is not there. Kong starts it again in less than that.
  PATIENCE = 120,
}

local QUEUE = {
  name = "aws-masker bodies",
  log_tag = "aws-masker-filter",
  -- A message is packed and sent at once.
  max_batch_size = 4,
  max_coalescing_delay = 0.1,
  -- No limit: what is held is counted here, by bytes, and nothing is given up without being counted.
  max_entries = 1000000,
  max_retry_time = math.huge,
  initial_retry_delay = 0.2,
  max_retry_delay = 2,
  concurrency_limit = 1,
}

local held = 0 -- bytes, of all bodies
local lost = {} -- place -> how many exchanges were left out since it was last told
local failing -- since when the plugin server does not take them


local function leave_out(place)
  lost[place] = (lost[place] or 0) + 1
  kong.log.err("the bodies of a request are not kept: as much as limits.waiting_bytes waits in this worker, or the "
    .. "plugin server does not take them")
end


-- Holds `size` more bytes for `kept`. Returns whether there was room; if not, all of `kept` is given up.
local function hold(ctx, size)
  local kept = ctx.kept
  if held + size <= ctx.result.waiting_bytes then
    held, kept.held = held + size, kept.held + size
    return true
  end
  held, ctx.kept = held - kept.held, nil
  leave_out(kept.place)
  return false
end


-- Called when a request goes on, with the body that the API gets.
function _M.sent(ctx, masked)
  local cap = ctx.result.record_body
  if not cap then
    return
  end
  local body = #masked > cap and sub(masked, 1, cap) or masked
  ctx.kept = {
    place = ctx.result.bodies, cap = cap, held = 0,
    sent = body, sent_length = #masked,
    pieces = {}, room = cap, answered_length = 0,
  }
  hold(ctx, #body)
end


-- Called with each piece of an answer as the API sent it.
function _M.answered(ctx, piece)
  local kept = ctx.kept
  kept.answered_length = kept.answered_length + #piece
  if kept.room == 0 or piece == "" then
    return
  end
  if #piece > kept.room then
    piece = sub(piece, 1, kept.room)
  end
  if hold(ctx, #piece) then
    kept.room = kept.room - #piece
    kept.pieces[#kept.pieces + 1] = piece
  end
end


-- Brings entries to the plugin server. Returns true, or nil and an error, whereupon they are brought again.
local function bring(_, entries)
  local notices, err = plugin_server.call("plugin.TakeBodies", { Bodies = entries })
  if not notices then
    failing = failing or ngx.now()
    if ngx.now() - failing < _M.PATIENCE then
      return nil, err
    end
  end
  failing = nil
  for _, entry in ipairs(entries) do
    held = held - #entry
    if not notices then
      leave_out(match(entry, "^%S+"))
    end
  end
  for _, notice in ipairs(notices or {}) do
    kong.log.err(notice)
  end
  return true
end


-- Called at the end of an answer, with the request's record. The entry is a line, read by plugins/aws_masker/kong/bodies.py
-- (place, how many were left out, the lengths of both bodies, how much of the first is here, the record), and both bodies.
function _M.log(ctx, record)
  local kept = ctx.kept
  if not kept then
    return
  end
  ctx.kept = nil
  held = held - kept.held
  local place = kept.place
  local head = format("%s %d %d %d %d %s\n", place, lost[place] or 0, kept.sent_length, kept.answered_length, #kept.sent,
    cjson.encode(record))
  local entry = concat({ head, kept.sent, concat(kept.pieces) })
  local ok, err = Queue.enqueue(QUEUE, bring, nil, entry)
  if not ok then
    kong.log.err("the queue of bodies: ", err)
    return leave_out(place)
  end
  held, lost[place] = held + #entry, nil
end


return _M
