-- Count a banner that was shown.
--
-- KEYS  1 values, 2 counter: as in count.lua, which comes before this as clock.lua does
--       3 sealed  string  the end of the last sealed day, in ms
-- ARGV  1 now, in ms
--       2 how far that may be off our clock, in ms
--       3… what to count
-- Returns 0, or if this day is sealed, or another one than ours, the time from which on is counted. Where days to come are
-- sealed, as by a clock that was ahead, nothing is counted: it would be on one of them.

local now, leeway = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = clock()
local sealed = end_of_sealed(KEYS[3])
if leeway < DAY and sealed > (math.floor(time / DAY) + 1) * DAY then
  return 0
end
if now < sealed then
  return sealed
end
if is_another_day(now, time, leeway) and time >= sealed then
  return time
end
count(KEYS[1], KEYS[2], 3)
return 0
