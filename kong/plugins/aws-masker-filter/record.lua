-- What the filter adds to Kong's log record (file-log, http-log and so on): fields without any value of the
-- conversation. And what it takes out: credentials, which Kong would write in clear.

local kong = kong

local _M = {}

local REQUEST_CREDENTIALS = { "x-api-key", "authorization", "proxy-authorization", "cookie", "apikey" }
local ANSWER_CREDENTIALS = { "set-cookie" }


local function size(counts)
  local sum = 0
  for _, number in pairs(counts) do
    sum = sum + number
  end
  return sum
end


-- Returns the outcome as one word.
local function outcome(ctx)
  if ctx.outcome == "forwarded" and kong.response.get_source() == "service" and not ctx.complete then
    return "broken_off"
  end
  return ctx.outcome or "unknown"
end


function _M.log(ctx)
  for _, name in ipairs(REQUEST_CREDENTIALS) do
    kong.log.set_serialize_value("request.headers." .. name, nil)
  end
  for _, name in ipairs(ANSWER_CREDENTIALS) do
    kong.log.set_serialize_value("response.headers." .. name, nil)
  end
  local result, restorer = ctx.result, ctx.restorer
  local counts = result and result.counts or {}
  kong.log.set_serialize_value("aws_masker", {
    outcome = outcome(ctx),
    masked = size(counts),
    counts = next(counts) and counts or nil,
    edits = ctx.edits or 0,
    opaque = result and result.opaque or 0,
    body_bytes = result and result.body_length or 0,
    streamed = ctx.streamed or false,
    restored = restorer and restorer.counts.restored or 0,
    unresolved = restorer and restorer.counts.unresolved or 0,
    held = restorer and restorer.counts.held or 0,
  })
end


return _M
