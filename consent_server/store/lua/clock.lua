-- Heads the scripts that cut days, by one clock: that of the Redis in which they run.

local DAY = 86400000

-- The largest time that a number can be given back as, in ms: an id may have a larger one.
local EVER = 2 ^ 53

-- The end of the year 9999, in ms: no day that is sealed ends later.
local NEVER = 253402300800000

-- Returns the end of the last sealed day in ms, 0 where none is or somebody else wrote what stands there, of another kind
-- too. Nobody has signed it: what is to come by our clock, its seal has to say too.
local function end_of_sealed(key)
  local said = redis.pcall('GET', key)
  local sealed = type(said) == 'string' and string.match(said, '^%d+$') and tonumber(said) or 0
  return sealed > NEVER and 0 or sealed
end

-- Returns the time in ms.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Returns time and sequence number of the last entry that a log ever had.
local function last(log)
  local stream = redis.pcall('XINFO', 'STREAM', log)
  for i = 1, #stream, 2 do
    if stream[i] == 'last-generated-id' then
      local ms, seq = string.match(stream[i + 1], '^(%d+)-(%d+)$')
      return math.min(tonumber(ms), EVER), tonumber(seq)
    end
  end
  return 0, 0
end

-- Returns whether a log that ends at `ms` is further ahead of `time` than who writes to it may be.
local function is_ahead(ms, time, leeway)
  return ms > time + leeway
end

-- Returns whether it is another day at `now` than at `time`, both in ms. Who may be off by more than a day is believed.
local function is_another_day(now, time, leeway)
  return leeway < DAY and math.floor(now / DAY) ~= math.floor(time / DAY)
end

