-- Count a banner that was shown.
--
-- KEYS  1 values, 2 counter: as in count.lua, which comes before this as clock.lua does
--       3 sealed  string  the end of the last sealed day, in ms
-- ARGV  1 now, in ms
--       2 how far that may be off our clock, in ms
--       3 an end to come, in ms, of which the caller has looked whether a seal says so; else 0
--       4 1 if one does
--       5… what to count
-- Returns 0, or if this day is sealed, or another one than ours, the time from which on is counted. Where days to come are
-- sealed, as by a clock that was ahead, nothing is counted: it would be on one of them. Where `sealed` says so of an end
-- that the caller has not looked at, nothing is done, and it is returned as a negative number.

local now, leeway = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = clock()
local sealed = end_of_sealed(KEYS[3])
if leeway < DAY and sealed > time then
  if sealed ~= tonumber(ARGV[3]) then
    return -sealed
  end
  if ARGV[4] ~= '1' then
    sealed = 0
  end
end
if leeway < DAY and sealed > (math.floor(time / DAY) + 1) * DAY then
  return 0
end
if now < sealed then
  return sealed
end
if is_another_day(now, time, leeway) and time >= sealed then
  return time
end
local counted = counting(KEYS[1], 5)
if counted.err then
  return counted
end
count(KEYS[1], KEYS[2], counted)
return 0
