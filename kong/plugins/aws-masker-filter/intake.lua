-- All that the plugin aws-masker asks Kong for about a request, as one call (`kong.aws_masker.take`): each call is a trip
-- through the plugin server's socket and back, and several of them took longer than masking a small body.

local msgpack = require("MessagePack")

local kong = kong

local _M = {}

local function all(value)
  return type(value) == "table" and value or { value }
end


local function is_declared_longer(length, limit)
  local declared = tonumber(all(length)[1] or "", 10)
  return declared ~= nil and declared > limit
end


-- Points the request at a dead end, `host` and `port`, before anything else. Then returns what is to be masked, and what
-- tells how: body, path, the fields Content-Length, Content-Type and Content-Encoding, the consumer's id. A body that is
-- declared longer than `limit` bytes is not read, nor is that of a request with more than `most` header fields (1,000 are
-- the most that Kong can be asked for): a further one might say how the body is coded.
function _M.take(host, port, limit, most)
  kong.service.set_target(host, port)
  local headers, cut = kong.request.get_headers(most)
  local length = headers["content-length"]
  local consumer = kong.client.get_consumer()
  local body = not cut and not is_declared_longer(length, limit) and kong.request.get_raw_body(0)
  return {
    path = kong.request.get_path(),
    length = all(length)[1],
    types = all(headers["content-type"]),
    codings = all(headers["content-encoding"]),
    consumer = consumer and consumer.id,
    crowded = cut ~= nil,
    -- As bytes, whatever they are.
    body = body and function(buffer) msgpack.packers.binary(buffer, body) end or nil,
  }
end


return _M
