-- Give a marketer another password, if they are still who they were when the old one was looked at.
--
-- KEYS  1 marketers  hash  name -> JSON
-- ARGV  1 name
--       2 the hash of the password until now
--       3 the marketer with the other one, JSON
-- Returns 1; or 0 if they are gone, or were let in anew meanwhile

local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text or cjson.decode(text).password ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
