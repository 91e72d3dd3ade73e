-- Brings the id of a batch that has been made back to the plugin server, with the tokens of the request that made it, so
-- that the results can be restored when somebody fetches them: plugins/aws_masker/kong/batches.py.

local plugin_server = require("kong.plugins.aws-masker-filter.plugin_server")

local kong, ngx = kong, ngx

local _M = {}

-- In seconds, before each try: a server that has just been started knows no ruleset until it has served a request.
local WAITS = { 0, 1, 2, 4, 8, 16, 32, 64 }


local function remember(premature, try, told)
  if premature then
    return
  end
  if plugin_server.call("plugin.RememberBatch", told) then
    return
  end
  if WAITS[try + 1] then
    ngx.timer.at(WAITS[try + 1], remember, try + 1, told)
    return
  end
  kong.log.err("the results of a batch will hold tokens: the plugin server could not note which it has")
end


-- Called in the log phase, where sockets are only open to timers.
function _M.log(ctx)
  local rules, batch = ctx.result and ctx.result.batch_rules, ctx.batches and ctx.batches.batch
  if not rules or not batch then
    return
  end
  local tokens = {}
  for token in pairs(ctx.result.dictionary) do
    tokens[#tokens + 1] = token
  end
  ngx.timer.at(WAITS[1], remember, 1, { Rules = rules, Tokens = tokens, Batch = batch })
end


return _M
