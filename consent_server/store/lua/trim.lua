-- Take the oldest entries out of a log, and out of the index what points to them.
--
-- KEYS  1 log   stream
--       2 copy  stream  as far as the log is written anew
--       3… of each entry: seen   hash  digest of a subject -> its latest places in the log, 8 bytes each
--                         older  hash  id of a decision as packed -> its place, of those before
-- ARGV  1 the moment before which all is to go, in ms
--       2 the last of these entries
--       3… of each entry: digest of its subject, its id as packed
-- Returns nothing

for n = 3, #KEYS, 2 do
  local seen, older, digest, id = KEYS[n], KEYS[n + 1], ARGV[n], ARGV[n + 1]
  redis.call('HDEL', older, id)
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
redis.call('UNLINK', KEYS[2]) -- it has these entries too
