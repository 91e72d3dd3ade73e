-- The way down: restores an answer while it streams. Holds back no more than the restorer does.
--
-- An answer that breaks off upstream ends here without `eof`: nginx closes the client's connection then, without the
-- last chunk, so that the client does not take it for complete. What is held back at that moment is lost with it.

local bodies = require("kong.plugins.aws-masker-filter.bodies")
local errors = require("kong.plugins.aws-masker-filter.errors")
local restore_json = require("kong.plugins.aws-masker-filter.restore_json")
local restorer = require("kong.plugins.aws-masker-filter.restorer")
local results_url = require("kong.plugins.aws-masker-filter.results_url")

local kong, ngx = kong, ngx
local find = string.find

local _M = {}


-- Has the client get an error in place of the answer.
local function replace(ctx, reason, message)
  local status, body, headers = errors.answer(502, "api_error", message)
  kong.response.set_status(status)
  kong.response.clear_header("Content-Encoding")
  kong.response.clear_header("Location")
  headers["Content-Length"] = #body
  kong.response.set_headers(headers)
  ctx.replacement, ctx.outcome, ctx.reason = body, "upstream_failed", reason
end


local function has_body(status)
  return status ~= 204 and status ~= 304 and kong.request.get_method() ~= "HEAD"
end


-- Tells whether a redirect would make the client send its body, unmasked, to somewhere else.
local function leads_away(ctx, status)
  local location = kong.service.response.get_header("Location")
  if status < 300 or status > 399 or not location or ctx.result.body_length == 0 then
    return false
  end
  -- Clients that follow it leave blanks and controls out.
  local followed = location:gsub("[%c ]", "")
  return followed:find("^[%a][%w+.-]*:") ~= nil or followed:find("^[/\\][/\\]") ~= nil
end


local function stages_for(ctx, content_type)
  local result, stages = ctx.result, {}
  if result.restore and next(result.dictionary) then
    ctx.restorer = restorer.new(content_type, result.dictionary, result)
    stages[1] = ctx.restorer
  end
  local about_batches = ctx.path:find("^/v1/messages/batches") and not ctx.path:find("/results$")
  local base = about_batches and content_type:find("json", 1, true) and ctx.base
  if base then
    ctx.batches = results_url.new(base)
    stages[#stages + 1] = ctx.batches
  end
  return stages[1] and stages
end


function _M.header_filter(ctx)
  if ctx.outcome ~= "forwarded" or kong.response.get_source() ~= "service" then
    return
  end
  ctx.answer_began, ctx.answer_bytes = ngx.now(), 0
  local status = kong.response.get_status()
  ctx.upstream_status, ctx.answered = status, ngx.now()
  ctx.streamed = (kong.response.get_header("Content-Type") or ""):find("event-stream", 1, true) ~= nil
  -- Below 100 it is what nginx makes of an answer that is not HTTP.
  if status >= 100 and status < 200 then
    return replace(ctx, "switched", "the upstream would switch protocols, which nobody asked it to: "
      .. "check what stands between Kong and the API")
  end
  if leads_away(ctx, status) then
    return replace(ctx, "redirected", "the upstream redirects to where the body would go unmasked: "
      .. "set the address of the service to where it leads")
  end
  if not has_body(status) then
    ctx.complete = true
    return
  end
  local stages = stages_for(ctx, kong.response.get_header("Content-Type") or "")
  if not stages then
    return
  end
  local coding = kong.response.get_header("Content-Encoding")
  if coding and coding:lower() ~= "identity" then
    -- Passed on, it would show the client tokens, and have its tools act on them, without a word.
    return replace(ctx, "compressed", "the upstream compressed its answer although it was asked not to, "
      .. "so it cannot be restored: check what stands between Kong and the API")
  end
  kong.response.clear_header("Content-Length")
  ctx.stages = stages
end


-- Breaks an answer off, for a reason that its record names: after an error here nginx closes the client's connection.
local function break_off(ctx, reason, message)
  ctx.broken_off = reason
  error(message, 0)
end


local function check_limits(ctx, chunk)
  local result = ctx.result
  ctx.answer_bytes = ctx.answer_bytes + #chunk
  if result.answer and ctx.answer_bytes > result.answer then
    break_off(ctx, "answer_too_large", "the answer is larger than limits.answer: it is broken off")
  end
  if result.answer_seconds and ngx.now() - ctx.answer_began > result.answer_seconds then
    break_off(ctx, "answer_too_long", "the answer takes longer than limits.answer_seconds: it is broken off")
  end
end


local function through(stages, chunk, closing)
  for i = 1, #stages do
    chunk = stages[i]:feed(chunk)
    if closing then
      chunk = chunk .. stages[i]:close()
    end
  end
  return chunk
end


-- Returns what goes to the client in place of a piece, and whether that ends the answer.
local function restored(ctx, chunk, eof)
  if ctx.replacement then
    chunk, ctx.replacement = ctx.replacement, ""
    return chunk, true
  end
  if ctx.answer_began then
    if ctx.kept then
      bodies.answered(ctx, chunk or "")
    end
    check_limits(ctx, chunk or "")
  end
  if eof then
    ctx.complete = true
  end
  if not ctx.stages then
    return chunk, eof
  end
  local ok, out = pcall(through, ctx.stages, chunk or "", eof)
  if not ok then
    local is_limit = find(tostring(out), restore_json.TOO_LARGE, 1, true)
    break_off(ctx, is_limit and "answer_too_large" or "internal_error", out)
  end
  if eof then
    ctx.stages = nil
  end
  return out ~= "" and out or nil, eof
end


function _M.body_filter(ctx)
  local chunk = ngx.arg[1]
  if not ctx.first_byte and chunk and chunk ~= "" then
    ctx.first_byte = ngx.now()
  end
  local out, eof = restored(ctx, chunk, ngx.arg[2])
  ctx.bytes_out = (ctx.bytes_out or 0) + #(out or "")
  ngx.arg[1], ngx.arg[2] = out, eof
end


return _M
