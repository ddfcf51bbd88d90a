-- Note that nothing of what was erased is left, unless something was erased since.
--
-- KEYS  1 torn  string
-- ARGV  1 what it said
-- Returns nothing

if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
