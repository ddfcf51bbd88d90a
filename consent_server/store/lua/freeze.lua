-- Let nothing be added any more before the end of a day. Comes after clock.lua and pass.lua.
--
-- KEYS  1 sealed  string  the end of the last sealed day, in ms
--       2 log     stream
-- ARGV  1 the end of the day, in ms
--       2 how far the caller's clock may be off ours, in ms
-- Returns nothing, or our time in ms: that day is not over

local sealed, log = unpack(KEYS)
local last = ARGV[1] .. '-0'
local time = clock()

if tonumber(ARGV[2]) < DAY and tonumber(ARGV[1]) > time then
  return time
end
local said = end_of_sealed(sealed)
-- Written again too, or WAIT would have nothing to wait for. What is to come by our clock somebody else wrote: whoever
-- freezes a day has seen that no seal says so.
if said <= tonumber(ARGV[1]) or (tonumber(ARGV[2]) < DAY and said > time) then
  redis.call('SET', sealed, ARGV[1])
end
return pass(log, last)
