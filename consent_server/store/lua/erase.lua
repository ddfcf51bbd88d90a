-- Erase the entries of one shopper, all or none.
--
-- KEYS  1 seen    hash    digest of a subject -> its latest places in the log
--       2 older   hash    id of a decision as packed -> its place, of those before
--       3 log     stream
--       4 copy    stream  as far as the log is written anew
--       5 erased  hash    place -> what is left of an entry
--       6 erasures  zset  places by their time in ms
--       7 torn    string  says that the log has to be written anew
-- ARGV  1 digest of the subject
--       2 the places in `seen` as they were read, 8 bytes each
--       3 how many there were in `older`
--       4 those of the places in `seen` that stay (of another subject with the same digest), mostly none
--       5… of each entry: place as text, its id as packed, what is left of it
-- Returns 1, or 0 if a decision came in between and nothing was done

local seen, older, log, copy, erased, erasures, torn = unpack(KEYS)
local digest = ARGV[1]

if (redis.call('HGET', seen, digest) or '') ~= ARGV[2] or redis.call('HLEN', older) ~= tonumber(ARGV[3]) then
  return 0
end
-- Likewise of what follows: an error here leaves nothing half done.
redis.call('XRANGE', log, '-', '-')
redis.call('HGET', erased, '')
for i = 5, #ARGV, 3 do
  -- First what a user of an earlier version may lack the right to: an error here leaves nothing half done.
  redis.call('ZADD', erasures, string.match(ARGV[i], '^%d+'), ARGV[i])
  redis.call('HSET', erased, ARGV[i], ARGV[i + 2])
  redis.call('XDEL', log, ARGV[i])
  redis.pcall('XDEL', copy, ARGV[i]) -- what is of another kind is no copy, and has nobody in it
  redis.call('HDEL', older, ARGV[i + 1])
end
local time = redis.call('TIME')
redis.call('SET', torn, time[1] .. '.' .. time[2])
if ARGV[4] == '' then
  redis.call('HDEL', seen, digest)
else
  redis.call('HSET', seen, digest, ARGV[4])
end
return 1
