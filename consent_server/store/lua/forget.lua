-- Drop a subject's places in the log before a moment.
--
-- KEYS  1 seen  hash  digest of a subject -> its places in the log, 8 bytes each
-- ARGV  1 digest of the subject
--       2 the moment, in ms
-- Returns nothing

local positions = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local kept = ''
for i = 1, #positions, 8 do
  if struct.unpack('>I6', positions, i) >= tonumber(ARGV[2]) then
    kept = kept .. string.sub(positions, i, i + 7)
  end
end
if kept == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], kept)
end
