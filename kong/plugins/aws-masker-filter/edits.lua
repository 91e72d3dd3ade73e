-- Makes the edits of a message (exchange.lua) in a body. No ngx, no kong.
--
-- Edits are read byte by byte in a single loop, because LuaJIT compiles that. It does not compile patterns, and each of
-- their captures is a string: for the thousands of edits of a large body that took five times as long.

local byte, sub = string.byte, string.sub

local _M = {}

local ZERO, NINE, SPACE, NEWLINE = byte("0"), byte("9"), byte(" "), byte("\n")
local PLAIN, QUOTED = byte("t"), byte("q")


-- Returns `body` with the edits made, and their number; nil and an error where they do not fit it.
-- `edits` are lines "offset length entry form"; `tokens` is the list that the entries count in.
function _M.apply(body, edits, tokens)
  local out, n, at = {}, 0, 0
  -- The line so far: three numbers, how many of them are complete, whether the next one has begun, and the form.
  local offset, length, entry, complete, number, form = 0, 0, 0, 0, nil, nil
  for i = 1, #edits do
    local char = byte(edits, i)
    if char >= ZERO and char <= NINE and complete < 3 then
      number = 10 * (number or 0) + char - ZERO
    elseif char == SPACE and number then
      offset, length, entry = length, entry, number
      complete, number = complete + 1, nil
    elseif (char == PLAIN or char == QUOTED) and complete == 3 and not form then
      form = char
    elseif char == NEWLINE and form then
      local token = tokens[entry]
      if not token or offset < at or offset + length > #body then
        return nil, "an edit does not fit the body"
      end
      out[n + 1] = sub(body, at + 1, offset)
      out[n + 2] = form == QUOTED and '"' .. token .. '"' or token
      n, at = n + 2, offset + length
      complete, form = 0, nil
    else
      return nil, "an edit is damaged"
    end
  end
  if complete > 0 or number then
    return nil, "an edit is damaged"
  end
  if n == 0 then
    return body, 0
  end
  out[n + 1] = sub(body, at + 1)
  return table.concat(out), n / 2
end


return _M
