-- Note that an account has an answer of a shopper, so that whoever erases them finds it.
--
-- KEYS  1 linked  set  names of accounts; expires
-- ARGV  1 name of the account
--       2 seconds for which it is noted at least
-- Returns nothing

redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2], 'NX') -- one that has no end is longer than any for GT
redis.call('EXPIRE', KEYS[1], ARGV[2], 'GT')
