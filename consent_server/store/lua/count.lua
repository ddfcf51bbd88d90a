-- Heads the scripts that count.
--
-- values   hash    value of a dimension -> its number, from 1
-- counter  string  unsigned 32-bit counters of a month: 31 rows of everything, then 31 rows of each value by its number
-- ARGV from `at`: day of the month from 0, counters in a row, how many of them to count, which ones from 0, values…

-- How far over the number of values one may be numbered, as where somebody took one out.
local ROOM = 1000

-- A row that was counted stays its own, also where somebody took out a value with a smaller number.
local function largest_of(values, known)
  local largest, all = 0, redis.call('HGETALL', values)
  for i = 2, #all, 2 do
    local number = string.match(all[i], '^%d+$') and tonumber(all[i]) or 0
    if number > largest and number <= known + ROOM then
      largest = number
    end
  end
  return largest
end

-- Returns what `count` takes, or an error; nothing is written yet. What stands there as a number and cannot be one of ours
-- somebody else wrote: a large one would take all memory.
local function counting(values, at)
  local day, width, many = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local first = at + 3 + many
  local numbers, known = redis.call('HMGET', values, unpack(ARGV, first)), redis.call('HLEN', values)
  local increments, new, largest = {}, {}, nil
  for i = 0, #numbers do
    local number = i == 0 and 0 or numbers[i]
    if not number then
      largest = (largest or largest_of(values, known)) + 1
      number = largest
      new[#new + 1] = ARGV[first + i - 1]
      new[#new + 1] = string.format('%.0f', number)
    elseif i > 0 then
      number = string.match(number, '^%d+$') and tonumber(number) or 0
      if number < 1 or number > known + ROOM then
        return redis.error_reply('NOTOURS ' .. values)
      end
    end
    for column = at + 3, first - 1 do
      increments[#increments + 1] = 'INCRBY'
      increments[#increments + 1] = 'u32'
      increments[#increments + 1] = '#' .. string.format('%.0f', (number * 31 + day) * width + ARGV[column])
      increments[#increments + 1] = 1
    end
  end
  return {new = new, increments = increments}
end

local function count(values, counter, counted)
  if #counted.new > 0 then
    redis.call('HSET', values, unpack(counted.new))
  end
  redis.call('BITFIELD', counter, 'OVERFLOW', 'SAT', unpack(counted.increments))
end

