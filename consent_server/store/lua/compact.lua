-- Write a log anew, so that what was deleted in it leaves the memory: a stream only marks its entries as deleted.
--
-- KEYS  1 log   stream, field e -> packed entry
--       2 torn  string  says that something was deleted since the log was last written anew
-- Returns nothing

local last
local stream = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #stream, 2 do
  if stream[i] == 'last-generated-id' then last = stream[i + 1] end
end
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1], KEYS[2])
for _, entry in ipairs(entries) do
  redis.call('XADD', KEYS[1], entry[1], 'e', entry[2][2])
end
if #entries == 0 then -- keeps the log's clock
  redis.call('XADD', KEYS[1], last, 'e', '')
  redis.call('XDEL', KEYS[1], last)
end
redis.call('XSETID', KEYS[1], last)
