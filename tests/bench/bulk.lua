-- Lays down decisions by the thousand, faster than anybody could send them: log and index as record.lua has them.
-- Their signatures are noise, so that the day that they are on can never be sealed.
--
-- KEYS  1 log of a bucket   2… the parts of its index
-- ARGV  1 first ms   2 last ms   3 how many   4 head of a packed entry   5 seed
-- Returns nothing.
local first, last, many = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
math.randomseed(tonumber(ARGV[5]))
local function noise(words)
  local made = {}
  for i = 1, words do
    made[i] = struct.pack('>I4', math.random(0, 4294967295 / 2) * 2 + math.random(0, 1))
  end
  return table.concat(made)
end
for i = 0, many - 1 do
  local ms = math.floor(first + (last - first) * i / many)
  local entry = ARGV[4] .. '\0' .. noise(4) .. '\255' .. noise(16)
  local at = redis.call('XADD', KEYS[1], string.format('%.0f-*', ms), 'e', entry)
  local seq = string.match(at, '-(%d+)$')
  redis.call('HSET', KEYS[math.random(2, #KEYS)], noise(2), struct.pack('>I6I2', ms, seq))
end
