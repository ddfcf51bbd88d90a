-- Write a log anew, so that what was deleted in it leaves the memory: a stream only marks its entries as deleted.
-- A piece a call, beside the log; the last one puts it in the log's place. A log that was moved ahead of our clock comes
-- back to it, but for what stands in it and what was sealed. Comes after clock.lua.
--
-- KEYS  1 log   stream, field e -> packed entry
--       2 copy  stream  as far as it is written anew
--       3 old   free for a moment
--       4 torn  string  says since when something was deleted that is in the log, or REWRITTEN and that
--       5 sealed  string  the end of the last sealed day, in ms
-- ARGV  1 what `torn` said when the copy was begun
--       2 how many entries to a piece
--       3 how far the log may be ahead of our clock, in ms
-- Returns 1 when the log is written anew, else 0

local log, copy, old, torn, sealed = unpack(KEYS)
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

local ends, time, ms = last_id(log), clock(), last(log)
if is_ahead(ms, time, tonumber(ARGV[3])) then
  local least = math.min(ms, math.max(time, tonumber(redis.call('GET', sealed) or 0) or 0))
  local top = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  ends = top and tonumber(string.match(top[1], '^%d+')) >= least and top[1] or string.format('%.0f-0', least)
end
if redis.call('EXISTS', copy) == 0 then -- keeps the log's clock
  redis.call('XADD', copy, ends, 'e', '')
  redis.call('XDEL', copy, ends)
end
redis.call('XSETID', copy, ends)
redis.call('RENAME', log, old)
redis.call('RENAME', copy, log)
redis.call('UNLINK', old) -- beside the commands of others, which DEL or a RENAME over it would hold up
if redis.call('GET', torn) == ARGV[1] then
  redis.call('SET', torn, REWRITTEN .. ' ' .. ARGV[1]) -- or something was deleted since, and is in the copy too: it is due again
end
return 1
