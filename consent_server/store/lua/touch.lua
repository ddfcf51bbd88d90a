-- Write what a key says again, or WAIT would have nothing to wait for.
--
-- KEYS  1 key  string
-- Returns nothing

local said = redis.pcall('GET', KEYS[1])
if said then
  redis.call('SET', KEYS[1], type(said) == 'string' and said or '0') -- where somebody else wrote another kind of value
end
