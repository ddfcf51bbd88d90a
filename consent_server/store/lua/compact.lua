-- Write a log anew, so that what was deleted in it leaves the memory: a stream only marks its entries as deleted.
-- A piece a call, beside the log; the last one puts it in the log's place.
--
-- KEYS  1 log   stream, field e -> packed entry
--       2 copy  stream  as far as it is written anew
--       3 old   free for a moment
--       4 torn  string  says since when something was deleted that is in the log, or REWRITTEN and that
-- ARGV  1 what `torn` said when the copy was begun
--       2 how many entries to a piece
-- Returns 1 when the log is written anew, else 0

local log, copy, old, torn = unpack(KEYS)
local REWRITTEN = 'rewritten'

local function last_id(stream)
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

local start = redis.call('EXISTS', copy) == 1 and '(' .. last_id(copy) or '-'
local entries = redis.call('XRANGE', log, start, '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  redis.call('XADD', copy, entry[1], 'e', entry[2][2])
end
if #entries == tonumber(ARGV[2]) then
  return 0
end

local last = last_id(log)
if redis.call('EXISTS', copy) == 0 then -- keeps the log's clock
  redis.call('XADD', copy, last, 'e', '')
  redis.call('XDEL', copy, last)
end
redis.call('XSETID', copy, last)
redis.call('RENAME', log, old)
redis.call('RENAME', copy, log)
redis.call('UNLINK', old) -- beside the commands of others, which DEL or a RENAME over it would hold up
if redis.call('GET', torn) == ARGV[1] then
  redis.call('SET', torn, REWRITTEN .. ' ' .. ARGV[1]) -- or something was deleted since, and is in the copy too: it is due again
end
return 1
