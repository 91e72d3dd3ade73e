-- Brings the id of a batch that has been made back to the plugin server, with the ticket that came with the request, so
-- that the results can be restored when somebody fetches them: plugins/aws_masker/kong/batches.py.

local kong, ngx = kong, ngx

local _M = {}


local function remember(premature, ticket, batch)
  if premature then
    return
  end
  -- Kong's own connection to the plugin server.
  local _, plugin = require("kong.runloop.plugin_servers").load_plugin("aws-masker")
  local done = plugin and plugin.rpc:call("plugin.RememberBatch", { Ticket = ticket, Batch = batch })
  if not done then
    kong.log.err("the results of a batch will hold tokens: the plugin server could not note which it has")
  end
end


-- Called in the log phase, where sockets are only open to timers.
function _M.log(ctx)
  local ticket, batch = ctx.result and ctx.result.batch_ticket, ctx.batches and ctx.batches.batch
  if ticket and batch then
    ngx.timer.at(0, remember, ticket, batch)
  end
end


return _M
