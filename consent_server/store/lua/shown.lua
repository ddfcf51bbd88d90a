-- Count a banner that was shown.
--
-- KEYS  1 values, 2 counter: as in count.lua, which comes before this
--       3 sealed  string  the end of the last sealed day, in ms
-- ARGV  1 now, in ms
--       2… what to count
-- Returns 0, or if this day is sealed the time from which on is counted

local sealed = tonumber(redis.call('GET', KEYS[3]) or 0)
if tonumber(ARGV[1]) < sealed then
  return sealed
end
count(KEYS[1], KEYS[2], 2)
return 0
