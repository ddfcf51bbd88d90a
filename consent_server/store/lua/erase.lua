-- Erase the entries of one shopper, all or none.
--
-- KEYS  1 seen    hash    digest of a subject -> its places in the log
--       2 log     stream
--       3 erased  hash    place -> what is left of an entry
--       4 torn    string  says that the log has to be written anew
-- ARGV  1 digest of the subject
--       2 the places as they were read, 8 bytes each
--       3 the places that stay (of another subject with the same digest), mostly none
--       4… pairs: place as text, what is left of the entry there
-- Returns 1, or 0 if a decision came in between and nothing was done

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  redis.call('XDEL', KEYS[2], ARGV[i])
end
redis.call('SET', KEYS[4], '1')
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
