-- Count sightings of names that are not allowed. There is room for so many a day: another one takes the place of a
-- rare one, of two drawn at random that of the rarer. So who invents names pushes out inventions, hardly ever what is
-- seen again and again, and never what was seen often. Who repeats inventions until all are often seen does not close
-- the day for what is new: some places stay open, those of the rarest.
--
-- KEYS  1 leaks of the day  zset  what was seen -> how often
-- ARGV  1 how many there is room for
--       2 from how many sightings on something is seen often
--       3 how many of those that are seen often are never pushed out
--       4 seconds for which the day is kept
--       5 a random number
--       6… what was seen
-- Returns nothing

local key, most, often, safe = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
math.randomseed(tonumber(ARGV[5]))
for i = 6, #ARGV do
  if not redis.call('ZSCORE', key, ARGV[i]) and redis.call('ZCARD', key) >= most then
    local open = math.max(redis.call('ZCOUNT', key, '-inf', '(' .. often), most - safe)
    local place = math.min(math.random(0, open - 1), math.random(0, open - 1))
    redis.call('ZREMRANGEBYRANK', key, place, place)
  end
  redis.call('ZINCRBY', key, 1, ARGV[i])
end
redis.call('EXPIRE', key, ARGV[4])
