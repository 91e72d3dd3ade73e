-- The CRC-32 of a text, by zlib where the process has it (nginx is linked with it), which takes a seventh of the time of
-- nginx's own: for a body of 5 MB that is a hundredth of a second, in which a worker does nothing else.

local ffi = require("ffi")

-- Under a name of its own, so that it is in nobody's way.
ffi.cdef([[
unsigned long aws_masker_crc32(unsigned long before, const char *text, unsigned int length) asm("crc32");
]])

local found, zlib = pcall(function()
  return ffi.C.aws_masker_crc32
end)

local _M = {}


-- Returns the checksum as a number: 0xCBF43926 for "123456789".
function _M.of(text)
  return found and tonumber(zlib(0, text, #text)) or ngx.crc32_long(text)
end


return _M
