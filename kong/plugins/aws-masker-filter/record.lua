-- The record of a request and its answer: what Python knows of it, and what is seen here, in one. What its members are
-- is said in plugins/aws_masker/audit/record.py; none holds a value of the conversation.
--
-- It becomes the member `aws_masker` of Kong's log record (file-log, http-log and so on). Out of that are taken: all
-- headers but a few that say nothing, which Kong would write in clear, and the path and query, which may hold anything.
-- Where somebody listens, the record goes to the plugin server, too, through a queue: it is there after the answer,
-- several at a time, and again when the plugin server was not there.

local cjson = require("cjson.safe")
local Queue = require("kong.tools.queue")
local lists = require("kong.plugins.aws-masker-filter.lists")
local plugin_server = require("kong.plugins.aws-masker-filter.plugin_server")

local kong, ngx = kong, ngx
local find, format, gmatch, match = string.find, string.format, string.gmatch, string.match

local _M = {}

-- Headers that a client could not use to say anything, and some of the API's.
local REQUEST_HEADERS = { "content-length", "transfer-encoding" }
local ANSWER_HEADERS = { "content-length", "content-type", "request-id", "retry-after", "transfer-encoding" }

local HEX = "^" .. string.rep("%x", 8) .. string.rep("%-" .. string.rep("%x", 4), 3) .. "%-" .. string.rep("%x", 12) .. "$"
local MAX_SEGMENTS = 5
-- What nginx has in place of a status when the client went away before it got one.
local CLIENT_GONE = 499

-- Every audit that there is: Python said nothing of this request.
local EVERY = "-"

local QUEUE = {
  name = "aws-masker records",
  log_tag = "aws-masker-filter",
  max_batch_size = 64,
  max_coalescing_delay = 0.1,
  -- Until the first request says what limits.waiting_records and limits.waiting_bytes are.
  max_entries = 10000,
  max_bytes = 64 * 1024 * 1024,
  initial_retry_delay = 0.2,
  -- In seconds: Kong starts a plugin server again in less than that.
  max_retry_time = 120,
  max_retry_delay = 2,
  concurrency_limit = 1,
}


-- Returns an id if it has a form that holds nothing else: a header could hold anything.
local function id_of(text)
  if type(text) ~= "string" then
    return nil
  end
  if find(text, HEX) or (find(text, "^[0-9a-f]+$") and (#text == 32 or #text == 16)) then
    return text
  end
end


-- Returns the request's id as all logs have it.
function _M.request_id()
  return id_of(kong.request.get_header("X-Request-ID")) or ngx.var.kong_request_id or ngx.var.request_id
end


-- Returns the API's path with {id} for all that it does not name itself.
local function endpoint_of(path)
  path = path:gsub("^/v1/v1/", "/v1/")
  if not find(path, "^/v1/") then
    return "other"
  end
  local out = {}
  for segment in gmatch(path:sub(5) .. "/", "([^/]*)/") do
    out[#out + 1] = lists.segments[segment] and segment or "{id}"
    if #out == MAX_SEGMENTS then
      break
    end
  end
  return "/v1/" .. table.concat(out, "/")
end


local function time_of(seconds)
  local whole = math.floor(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S", whole) .. format(".%03d+00:00", math.floor((seconds - whole) * 1000))
end


local function since(start, moment)
  return math.max(0, math.floor((moment - start) * 1000 + 0.5))
end


-- Returns outcome and reason. What Kong answers by itself, it or another plugin had a reason for.
local function ending_of(ctx, status)
  if status == CLIENT_GONE then
    return "client_gone"
  end
  if ctx.outcome ~= "forwarded" then
    return ctx.outcome or "refused", ctx.reason or "other_plugin"
  end
  local source = kong.response.get_source()
  if source == "service" then
    if ctx.complete then
      return "ok"
    end
    if ctx.broken_off then
      return "broken_off", ctx.broken_off
    end
    -- To nginx a request is complete when what there was of an answer has been sent, and not when the client went away.
    if ngx.var.request_completion == "OK" then
      return "broken_off", "upstream"
    end
    return "client_gone"
  end
  return "upstream_failed", status == 504 and "upstream_silent" or "upstream_unreachable"
end


-- Returns the record of a request at the end of its answer.
function _M.of(ctx)
  local result, restorer = ctx.result, ctx.restorer
  local record = result and cjson.decode(result.part) or {}
  local status = kong.response.get_status()
  local start, now = ngx.req.start_time(), ngx.now()
  local method = kong.request.get_method()
  local ms = record.ms or {}
  ms.upstream = ctx.answered and since(ctx.sent, ctx.answered)
  ms.first_byte = ctx.first_byte and since(start, ctx.first_byte)
  ms.total = since(start, now)
  record.schema, record.event, record.host, record.ms = 1, "request", "kong", ms
  record.time = time_of(start)
  record.request_id = _M.request_id()
  record.session = match(kong.request.get_header("X-Claude-Code-Session-Id") or "", HEX)
  record.endpoint = endpoint_of(kong.request.get_path())
  record.method = lists.methods[method] and method or "other"
  record.outcome, record.reason = ending_of(ctx, status)
  record.status = status ~= CLIENT_GONE and status or 0
  record.upstream_status = ctx.upstream_status
  record.streamed = ctx.streamed or false
  record.bytes_up = ctx.bytes_up or 0
  record.bytes_out = ctx.bytes_out or 0
  record.restored = restorer and restorer.counts.restored or 0
  record.unresolved = restorer and restorer.counts.unresolved or 0
  record.held = restorer and restorer.counts.held or 0
  return record
end


-- Brings records to the plugin server. Returns true, or nil and an error, whereupon they are brought again.
local function bring(_, entries)
  local notices, err = plugin_server.call("plugin.TakeRecords", { Records = entries })
  if not notices then
    return nil, err
  end
  for _, notice in ipairs(notices) do
    kong.log.err(notice)
  end
  return true
end


local function some(names, get)
  local found = {}
  for _, name in ipairs(names) do
    found[name] = get(name)
  end
  return found
end


local function clean_kongs_own(record)
  local headers = some(REQUEST_HEADERS, kong.request.get_header)
  headers["x-request-id"] = record.request_id
  kong.log.set_serialize_value("request.headers", headers)
  kong.log.set_serialize_value("response.headers", some(ANSWER_HEADERS, kong.response.get_header))
  for _, name in ipairs({ "request.uri", "request.url", "upstream_uri" }) do
    kong.log.set_serialize_value(name, record.endpoint)
  end
  kong.log.set_serialize_value("request.querystring", nil)
  -- What the plugin correlation-id took from the client.
  kong.log.set_serialize_value("correlation_id", record.request_id)
end


-- Returns the record.
function _M.log(ctx)
  local record = _M.of(ctx)
  clean_kongs_own(record)
  kong.log.set_serialize_value("aws_masker", record)
  -- What Python answered says who listens; where it answered nothing, it may tell when it is back.
  local audit = EVERY
  if ctx.result then
    audit = ctx.result.audit
    QUEUE.max_entries = ctx.result.waiting_records or QUEUE.max_entries
    QUEUE.max_bytes = ctx.result.waiting_bytes or QUEUE.max_bytes
  end
  if audit then
    local ok, err = Queue.enqueue(QUEUE, bring, nil, audit .. " " .. cjson.encode(record))
    if not ok then
      kong.log.err("a record is lost: ", err)
    end
  end
  return record
end


return _M
