-- Makes the edits of a message (exchange.lua) in a body. No ngx, no kong.

local gmatch, sub, tonumber = string.gmatch, string.sub, tonumber

local _M = {}


-- Returns `body` with the edits made, and their number; nil and an error where they do not fit it.
-- `edits` are lines "offset length entry form"; `tokens` is the list that the entries count in.
function _M.apply(body, edits, tokens)
  local out, n, at, made = {}, 0, 0, 0
  local read = 0
  for line, offset, length, entry, form in gmatch(edits, "((%d+) (%d+) (%d+) ([tq])\n)") do
    read = read + #line
    offset, length = tonumber(offset), tonumber(length)
    local token = tokens[tonumber(entry)]
    if not token or offset < at or offset + length > #body then
      return nil, "an edit does not fit the body"
    end
    out[n + 1] = sub(body, at + 1, offset)
    out[n + 2] = form == "q" and '"' .. token .. '"' or token
    n, at, made = n + 2, offset + length, made + 1
  end
  if read ~= #edits then
    return nil, "an edit is damaged"
  end
  if made == 0 then
    return body, 0
  end
  out[n + 1] = sub(body, at + 1)
  return table.concat(out), made
end


return _M
