-- Answers in the shape of the Anthropic API's errors: https://docs.anthropic.com/en/api/errors

local _M = {}

local BODY = '{"type": "error", "error": {"type": "%s", "message": "aws-masker: %s"}}'


-- Returns an answer: status, body, headers. `message` is plain ASCII without quotes and backslashes.
function _M.answer(status, kind, message, retry_after)
  return _M.ready(status, BODY:format(kind, message), retry_after)
end


-- The same for a body that is made already.
function _M.ready(status, body, retry_after)
  local headers = { ["Content-Type"] = "application/json" }
  if retry_after then
    headers["Retry-After"] = tostring(retry_after)
  end
  return status, body, headers
end


return _M
