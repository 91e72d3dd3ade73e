-- Reads the id of a message batch that has been made, and rewrites its results_url to the address that the client used.
-- SDKs follow the absolute URL that the API gives, to the API itself, past the gateway. No ngx, no kong.
--
-- Batch objects and lists of them are small, so the answer is held until it is whole: `feed` returns nothing, `close`
-- everything. Beyond MAX_HELD it is no batch, and passes as it is.

local _M = { MAX_HELD = 8 * 1024 * 1024 }
_M.__index = _M

local PATTERN = '("results_url"%s*:%s*")https?://[^/"\\]+(/v1/messages/batches/[^"\\]+")'


-- `base` is the client's scheme, host and port: "https://gateway.example:8082".
function _M.new(base)
  return setmetatable({ base = base, held = {}, size = 0 }, _M)
end


function _M:feed(chunk)
  if not self.held then
    return chunk
  end
  self.held[#self.held + 1] = chunk
  self.size = self.size + #chunk
  if self.size <= _M.MAX_HELD then
    return ""
  end
  local all = table.concat(self.held)
  self.held = nil
  return all
end


function _M:close()
  if not self.held then
    return ""
  end
  self.batch = table.concat(self.held):match('"id"%s*:%s*"(msgbatch_[%w_-]+)"')
  -- In a JSON string the quotes would be escaped, so what is found here is a member of that name.
  local base = self.base
  local all = table.concat(self.held):gsub(PATTERN, function(before, after)
    return before .. base .. after
  end)
  self.held = nil
  return all
end


return _M
