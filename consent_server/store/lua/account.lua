-- Keep the answer of an account in place of the one that was read, if it is still that.
--
-- KEYS  1 account  string  a token; expires
-- ARGV  1 what was read; empty: nothing
--       2 what is to be; empty: nothing
--       3 seconds after which it expires
-- Returns 1; or 0 if another is there, and nothing was done

if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
