-- Heads the scripts that count.
--
-- values   hash    value of a dimension -> its number, from 1
-- counter  string  unsigned 32-bit counters of a month: 31 rows of everything, then 31 rows of each value by its number
-- ARGV from `at`: day of the month from 0, counters in a row, how many of them to count, which ones from 0, values…

local function count(values, counter, at)
  local day, width, many = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local first = at + 3 + many
  local numbers = redis.call('HMGET', values, unpack(ARGV, first))
  local increments = {}
  for i = 0, #numbers do
    local number = i == 0 and 0 or numbers[i]
    if not number then
      number = redis.call('HLEN', values) + 1
      redis.call('HSET', values, ARGV[first + i - 1], number)
    end
    for column = at + 3, first - 1 do
      increments[#increments + 1] = 'INCRBY'
      increments[#increments + 1] = 'u32'
      increments[#increments + 1] = '#' .. string.format('%.0f', (number * 31 + day) * width + ARGV[column])
      increments[#increments + 1] = 1
    end
  end
  redis.call('BITFIELD', counter, 'OVERFLOW', 'SAT', unpack(increments))
end

