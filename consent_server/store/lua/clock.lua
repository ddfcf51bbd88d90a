-- Heads the scripts that cut days, by one clock: that of the Redis in which they run.

local DAY = 86400000

-- Returns the time in ms.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Returns whether it is another day at `now` than at `time`, both in ms. Who may be off by more than a day is believed.
local function is_another_day(now, time, leeway)
  return leeway < DAY and math.floor(now / DAY) ~= math.floor(time / DAY)
end

