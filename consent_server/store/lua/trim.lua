-- Take the oldest entries out of a log, and out of the index what points to them.
--
-- KEYS  1 log   stream
--       2… seen  hash  digest of a subject -> its places in the log, 8 bytes each; one for each of ARGV 3…
-- ARGV  1 the moment before which all is to go, in ms
--       2 the last of these entries
--       3… digests of their subjects
-- Returns nothing

for n = 2, #KEYS do
  local seen, digest = KEYS[n], ARGV[n + 1]
  local positions = redis.call('HGET', seen, digest)
  if positions then
    local kept = ''
    for i = 1, #positions, 8 do
      if struct.unpack('>I6', positions, i) >= tonumber(ARGV[1]) then
        kept = kept .. string.sub(positions, i, i + 7)
      end
    end
    if kept == '' then
      redis.call('HDEL', seen, digest)
    elseif kept ~= positions then
      redis.call('HSET', seen, digest, kept)
    end
  end
end
local ms, seq = string.match(ARGV[2], '^(%d+)-(%d+)$')
redis.call('XTRIM', KEYS[1], 'MINID', '=', ms .. '-' .. string.format('%.0f', seq + 1))
