-- Have one server alone tell the webhook of a bucket's decisions, for a while. Comes after clock.lua.
--
-- KEYS  1 told  hash  position, of, holder, until
-- ARGV  1 who claims it
--       2 for how many ms
-- Returns the position of the last decision that was told; nothing if somebody else tells them. Nobody claims for over
-- an hour: what says so is none of ours, and keeps nobody from telling

local HOUR = 3600000
local told = KEYS[1]
local holder, ends = unpack(redis.call('HMGET', told, 'holder', 'until'))
local now = clock()
local left = (tonumber(ends) or 0) - now
if holder and holder ~= ARGV[1] and left > 0 and left < HOUR then
  return false
end
redis.call('HSET', told, 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
return redis.call('HGET', told, 'position')
