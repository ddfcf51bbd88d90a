-- Write what a key says again, or WAIT would have nothing to wait for.
--
-- KEYS  1 key  string
-- Returns nothing

local said = redis.call('GET', KEYS[1])
if said then
  redis.call('SET', KEYS[1], said)
end
