-- Keep a cosigned checkpoint, if nobody has kept another one since it was read.
--
-- KEYS  1 cosigned  hash  how many seals -> the checkpoint over them that witnesses cosigned
-- ARGV  1 how many seals
--       2 what was read there; empty if nothing was
--       3 the checkpoint
-- Returns 1, or 0 if there is another one

if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
