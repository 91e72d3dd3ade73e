-- The way up: makes the edits that the plugin aws-masker decided on, or answers with an error. A request goes on only
-- from the last lines of `access`; the plugin has pointed it at a dead end, and only they point it back.

local bodies = require("kong.plugins.aws-masker-filter.bodies")
local checksum = require("kong.plugins.aws-masker-filter.checksum")
local edits = require("kong.plugins.aws-masker-filter.edits")
local errors = require("kong.plugins.aws-masker-filter.errors")
local exchange = require("kong.plugins.aws-masker-filter.exchange")
local lists = require("kong.plugins.aws-masker-filter.lists")
local record = require("kong.plugins.aws-masker-filter.record")

local kong, ngx = kong, ngx
local sub = string.sub

local _M = {}

local RETRY_SECONDS = 2

-- What Kong itself tells of hosts in the house, by the variables from which it makes the headers.
local VARIABLES_OF_THE_HOUSE = { "for", "host", "path", "port", "prefix", "proto" }

-- The most that Kong can be asked for; limits.headers is no more.
local MAX_HEADERS = 1000


local function refuse(ctx, reason, status, body, headers)
  ctx.outcome, ctx.reason = "refused", reason
  return kong.response.exit(status, body, headers)
end


local function refuse_unmasked(ctx, reason, why)
  kong.log.err("nothing was forwarded: ", why, " (request ", record.request_id(), ")")
  local message = "masking did not work, so nothing was forwarded: try again; Kong's error log says more"
  return refuse(ctx, reason, errors.answer(503, "api_error", message, RETRY_SECONDS))
end


-- Returns scheme, host and port as the client used them, or nil where its Host header is none. A proxy before Kong may
-- say X-Forwarded-Proto: https whatever the client used; X-Forwarded-Scheme then tells.
local function client_base()
  local host, scheme = kong.request.get_header("Host"), kong.request.get_forwarded_scheme()
  if kong.ip.is_trusted(kong.client.get_ip()) then
    host = kong.request.get_header("X-Forwarded-Host") or host
    scheme = kong.request.get_header("X-Forwarded-Scheme") or scheme
  end
  if scheme ~= "http" and scheme ~= "https" then
    return nil
  end
  if not host or not host:find("^[%w._-]+:?%d*$") and not host:find("^%[[%x:.]+%]:?%d*$") then
    return nil
  end
  return scheme .. "://" .. host
end


-- Sends the request where the plugin's configuration says, or else Kong's.
local function point_back(result)
  local service = kong.router.get_service()
  if result.upstream_host then
    kong.service.request.set_scheme(result.upstream_scheme)
    kong.service.set_target(result.upstream_host, result.upstream_port)
  elseif not kong.service.set_upstream(service.host) then
    kong.service.set_target(service.host, service.port)
  end
  -- A target that a plugin sets also sets the Host header, without the port, and for upstreams to the dead end. Empty,
  -- Kong makes it as it would have: kong/runloop/handler.lua.
  ngx.var.upstream_host = kong.router.get_route().preserve_host and kong.request.get_header("Host") or ""
end


local function stays_here(name)
  if lists.of_the_house[name] or lists.digests[name] then
    return true
  end
  for _, beginning in ipairs(lists.beginnings_of_the_house) do
    if sub(name, 1, #beginning) == beginning then
      return true
    end
  end
  return false
end


local function keep_the_house_to_itself()
  for _, name in ipairs(VARIABLES_OF_THE_HOUSE) do
    ngx.var["upstream_x_forwarded_" .. name] = ""
  end
  ngx.var.upstream_via = ""
  for name in pairs(kong.request.get_headers(MAX_HEADERS)) do
    if stays_here(name) then
      kong.service.request.clear_header(name)
    end
  end
end


-- Tells whether Connection names what says how long the body is. Kong takes away what is named there, so the API would
-- read the body as its next request, and one client get the answer to another's.
local function hides_the_length()
  for name in (ngx.var.http_connection or ""):lower():gmatch("[^,%s]+") do
    if name == "content-length" or name == "transfer-encoding" then
      return true
    end
  end
  return false
end


-- `ctx` is a table that lasts as long as the request. Leaves in it what the way down and the log need.
function _M.access(ctx)
  local message = exchange.take(kong.ctx.shared)
  if (kong.request.get_header("Upgrade") or ""):lower():find("websocket", 1, true) then
    local text = "WebSocket is not served: use plain HTTP requests"
    return refuse(ctx, "upgrade", errors.answer(400, "invalid_request_error", text))
  end
  if hides_the_length() then
    local text = "the Connection field names Content-Length or Transfer-Encoding: leave these out of it"
    return refuse(ctx, "framing", errors.answer(400, "invalid_request_error", text))
  end
  if not message then
    return refuse_unmasked(ctx, "no_result", "the plugin aws-masker gave no result for this request; "
      .. "it is missing on this route, its server is down or failed (lines above may tell), or masking took longer than "
      .. "limits.masking_seconds")
  end
  local result, err = exchange.decode(message)
  if not result then
    return refuse_unmasked(ctx, "bad_result", "the result of the plugin aws-masker cannot be read: " .. err)
  end
  ctx.result = result
  if result.outcome == "refuse" then
    return refuse(ctx, result.reason, errors.ready(result.status, result.error, result.retry_after))
  end
  local body, body_err = kong.request.get_raw_body(0)
  if not body then
    return refuse_unmasked(ctx, "no_body", "the body cannot be read: " .. tostring(body_err))
  end
  if #body ~= result.body_length or checksum.of(body) ~= result.body_crc32 then
    return refuse_unmasked(ctx, "other_body", "a plugin between aws-masker and aws-masker-filter changed the body")
  end
  local masked, made = edits.apply(body, result.edits, result.tokens)
  if not masked then
    return refuse_unmasked(ctx, "bad_edits", made)
  end
  if made > 0 then
    kong.service.request.set_raw_body(masked)
  end
  kong.service.request.clear_header("Accept-Encoding")
  -- After an answer of 101 nginx would pass on whatever the client sends, if it offered to switch.
  kong.service.request.clear_header("Upgrade")
  ctx.bytes_up = #masked
  result.edits, result.tokens = nil, nil
  ctx.path = kong.request.get_path():gsub("^/v1/v1/", "/v1/")
  ctx.base = client_base()
  ctx.outcome = "forwarded"
  keep_the_house_to_itself()
  point_back(result)
  bodies.sent(ctx, masked)
  ctx.sent = ngx.now()
end


return _M
