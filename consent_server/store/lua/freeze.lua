-- Let nothing be added any more before the end of a day. Comes after clock.lua.
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
if tonumber(redis.call('GET', sealed) or 0) <= tonumber(ARGV[1]) then
  redis.call('SET', sealed, ARGV[1]) -- written again too, or WAIT would have nothing to wait for
end
-- An entry at the end of the day, taken out again, moves the log's clock there for good.
local added = redis.pcall('XADD', log, last, 'e', '')
if type(added) == 'string' then
  redis.call('XDEL', log, last)
elseif not string.find(added.err, 'equal or smaller', 1, true) then -- the log is past that day already
  return added
end
