-- Calls methods of our plugin server that Kong itself does not know, over Kong's own connection to it. Sockets are open to
-- timers only, in the log phase.

local _M = {}


-- Returns the result of `method`, or nil and an error.
function _M.call(method, argument)
  local _, plugin = require("kong.runloop.plugin_servers").load_plugin("aws-masker")
  if not plugin then
    return nil, "the plugin aws-masker is not there"
  end
  -- It may raise an error.
  local called, result, err = pcall(plugin.rpc.call, plugin.rpc, method, argument)
  if not called then
    return nil, tostring(result)
  end
  return result, err and tostring(err)
end


return _M
