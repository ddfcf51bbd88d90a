-- Note how far the webhook was told, by whoever tells it. Comes after clock.lua.
--
-- KEYS  1 told  hash  position, of, taken, holder, until
-- ARGV  1 who tells it
--       2 position of the last decision that was told
--       3 for how many ms nobody else is to tell it; 0 lets others
-- Returns 1, or 0 if somebody else tells it meanwhile, and nothing was noted

local told, ms = KEYS[1], tonumber(ARGV[3])
if redis.call('HGET', told, 'holder') ~= ARGV[1] then
  return 0
end
if redis.call('HGET', told, 'position') ~= ARGV[2] then -- else it is given back as it was
  redis.call('HSET', told, 'position', ARGV[2], 'taken', 1)
end
if ms > 0 then
  redis.call('HSET', told, 'until', string.format('%.0f', clock() + ms))
else
  redis.call('HDEL', told, 'holder', 'until')
end
return 1
