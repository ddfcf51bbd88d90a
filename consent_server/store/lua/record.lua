-- Keep one decision, once: find it, or log it, index it and count it, all or nothing.
--
-- KEYS  1 seen     hash   digest of a subject -> its places in the log, 8 bytes each (6 time in ms, 2 sequence)
--       2 log      stream, field e -> packed entry
--       3 refused  hash   hour and notice -> the signature that all refusals of that hour share
--       4 values   hash   as in count.lua, which comes before this
--       5 count    string likewise
-- ARGV  1 digest of the subject
--       2 now, in ms
--       3 packed entry
--       4 the decision's id as packed in the entry
--       5 the id, as packed, of the decision that this one follows; empty where there is none to look for
--       6 field in `refused`, or empty: then the signature is at the end of the entry
--       7 signature
--       8… what to count
-- Returns {0, ms}                     it is new and kept
--         {1, ms, entry, signature}   it was kept before, as this
--         {2}                         the decision that it follows is not the subject's latest
--         {3, ms}                     the log has already passed this second: it is at ms now

-- where notice and id start in a packed entry
local NOTICE_AT, ID_AT = 5, 11

local function place(positions, i)
  local ms, seq = struct.unpack('>I6I2', positions, i)
  return ms, string.format('%.0f-%d', ms, seq)
end

local positions = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local latest
for i = #positions - 7, 1, -8 do
  local ms, id = place(positions, i)
  local found = redis.call('XRANGE', KEYS[2], id, id)[1]
  if found then
    local entry = found[2][2]
    if string.sub(entry, ID_AT, ID_AT + #ARGV[4] - 1) == ARGV[4] then
      local second = math.floor(ms / 1000)
      -- Written again, or WAIT would have nothing to wait for, and replicas perhaps not have it yet.
      redis.call('HSET', KEYS[1], ARGV[1], positions)
      local hour = struct.pack('>I4', second - second % 3600) .. string.sub(entry, NOTICE_AT, ID_AT - 1)
      return {1, ms, entry, redis.call('HGET', KEYS[3], hour) or ''}
    end
    latest = latest or string.sub(entry, ID_AT, ID_AT + #ARGV[5] - 1)
  end
end
if ARGV[5] ~= '' and latest ~= ARGV[5] then
  return {2}
end

local at = redis.pcall('XADD', KEYS[2], ARGV[2] .. '-*', 'e', ARGV[3])
if type(at) == 'table' then
  if not string.find(at.err, 'equal or smaller', 1, true) then
    return at
  end
  -- the log's clock never runs backwards
  local stream = redis.call('XINFO', 'STREAM', KEYS[2])
  local last = 0
  for i = 1, #stream, 2 do
    if stream[i] == 'last-generated-id' then last = string.match(stream[i + 1], '^%d+') end
  end
  if math.floor(last / 1000) ~= math.floor(ARGV[2] / 1000) then
    return {3, tonumber(last)}
  end
  at = redis.call('XADD', KEYS[2], last .. '-*', 'e', ARGV[3])
end

local ms, seq = string.match(at, '^(%d+)-(%d+)$')
positions = string.sub(positions, -8 * 63) .. struct.pack('>I6I2', ms, seq)
redis.call('HSET', KEYS[1], ARGV[1], positions)
if ARGV[6] ~= '' then
  redis.call('HSETNX', KEYS[3], ARGV[6], ARGV[7])
end
count(KEYS[4], KEYS[5], 8)
return {0, tonumber(ms)}
