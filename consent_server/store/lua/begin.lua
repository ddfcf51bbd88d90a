-- Have a webhook told what is decided from now on, where that address is told nothing of the bucket yet; but one that
-- stands for an address that never took anything is told what waited for it. Comes after clock.lua.
--
-- KEYS  1 told  hash  position, of, taken, holder, until
-- ARGV  1 digest of its address; nothing for any
--       2 for how many ms before now
--       3 1 if the address before has taken something, of whichever bucket
-- Returns {position of the last decision that was told, 1 if another address was told until now, else 0}. Who tells that
-- one has no claim any more

local told, address = KEYS[1], ARGV[1]
local position, of = unpack(redis.call('HMGET', told, 'position', 'of'))
local is_other = position and of and address ~= '' and of ~= address and ARGV[3] == '1'
if not position or is_other then
  position = string.format('%.0f-0', math.max(0, clock() - ARGV[2]))
  redis.call('HSET', told, 'position', position)
  redis.call('HDEL', told, 'taken', 'holder', 'until')
end
if address ~= '' then
  redis.call('HSET', told, 'of', address)
end
return {position, is_other and 1 or 0}
