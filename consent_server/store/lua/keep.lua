-- Write down that days are in an archive, if no other was written down since these were chosen.
--
-- KEYS  1 archives  hash  last day of an archive -> its file, and whether it is trimmed, JSON
-- ARGV  1 how many archives there were
--       2 the last day of this one
--       3 what is kept of it
-- Returns 1, or 0 if there is another one

if redis.call('HLEN', KEYS[1]) ~= tonumber(ARGV[1]) then
  return 0
end
return redis.call('HSETNX', KEYS[1], ARGV[2], ARGV[3])
