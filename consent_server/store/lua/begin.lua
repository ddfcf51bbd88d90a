-- Have a webhook told what is decided from now on, where that address is told nothing of the bucket yet. Comes after
-- clock.lua.
--
-- KEYS  1 told  hash  position, of, holder, until
-- ARGV  1 digest of its address; nothing for any
--       2 for how many ms before now
-- Returns {position of the last decision that was told, 1 if another address was told until now, else 0}. Who tells that
-- one has no claim any more

local told, address = KEYS[1], ARGV[1]
local position, of = unpack(redis.call('HMGET', told, 'position', 'of'))
local is_other = position and of and address ~= '' and of ~= address
if not position or is_other then
  position = string.format('%.0f-0', math.max(0, clock() - ARGV[2]))
  redis.call('HSET', told, 'position', position)
  redis.call('HDEL', told, 'holder', 'until')
end
if address ~= '' then
  redis.call('HSET', told, 'of', address)
end
return {position, is_other and 1 or 0}
