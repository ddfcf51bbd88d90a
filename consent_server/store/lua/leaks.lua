-- Count sightings of names that are not allowed. There is room for so many a day: another one takes the place of a
-- rare one, of two drawn at random that of the rarer. So who invents names pushes out inventions, hardly ever what is
-- seen again and again, and never what was seen often.
--
-- KEYS  1 leaks of the day  zset  what was seen -> how often
-- ARGV  1 how many there is room for
--       2 from how many sightings on nothing is pushed out
--       3 seconds for which the day is kept
--       4 a random number
--       5… what was seen
-- Returns nothing

local key, most, often = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
math.randomseed(tonumber(ARGV[4]))
for i = 5, #ARGV do
  local room = redis.call('ZSCORE', key, ARGV[i]) or redis.call('ZCARD', key) < most
  if not room then
    local rare = redis.call('ZCOUNT', key, '-inf', '(' .. often)
    if rare > 0 then
      local place = math.min(math.random(0, rare - 1), math.random(0, rare - 1))
      redis.call('ZREMRANGEBYRANK', key, place, place)
      room = true
    end
  end
  if room then
    redis.call('ZINCRBY', key, 1, ARGV[i])
  end
end
redis.call('EXPIRE', key, ARGV[3])
