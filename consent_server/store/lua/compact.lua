-- Write a log anew, so that what was deleted in it leaves the memory: a stream only marks its entries as deleted.
-- A piece a call, beside the log; the last one puts it in the log's place. A log that was moved ahead of our clock comes
-- back to it, but for what stands in it and what was sealed. Comes after clock.lua.
--
-- KEYS  1 log   stream, field e -> packed entry
--       2 copy  stream  as far as it is written anew
--       3 old   free for a moment
--       4 torn  string  says since when something was deleted that is in the log, or REWRITTEN and that
--       5 sealed  string  the end of the last sealed day, in ms
--       6 told    hash    `position` of the last entry that a webhook was told
-- ARGV  1 what `torn` said when the copy was begun
--       2 how many entries to a piece
--       3 how far the log may be ahead of our clock, in ms
-- Returns 1 when the log is written anew, else 0

local log, copy, old, torn, sealed, told = unpack(KEYS)
local REWRITTEN = 'rewritten'

local function said(stream, what)
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == what then return info[i + 1] end
  end
end
local function time_of(id)
  return tonumber(string.match(id, '^%d+'))
end

local ends, time = said(log, 'last-generated-id'), clock()
local goes_back = is_ahead(time_of(ends), time, tonumber(ARGV[3]))
if goes_back then
  local least = math.min(time_of(ends), math.max(time, end_of_sealed(sealed)))
  local top = said(log, 'last-entry')
  local back = top and time_of(top[1]) >= least and top[1] or string.format('%.0f-0', least)
  if ARGV[1] == '' and back == ends then
    return 1 -- nothing is to leave the memory, and what stands there keeps it ahead
  end
  ends = back
end

local start = redis.call('EXISTS', copy) == 1 and '(' .. said(copy, 'last-generated-id') or '-'
local entries = redis.call('XRANGE', log, start, '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  redis.call('XADD', copy, entry[1], 'e', entry[2][2])
end
if #entries == tonumber(ARGV[2]) then
  return 0
end

if redis.call('EXISTS', copy) == 0 then -- keeps the log's clock
  redis.call('XADD', copy, ends, 'e', '')
  redis.call('XDEL', copy, ends)
end
redis.call('XSETID', copy, ends)
local position = goes_back and redis.pcall('HGET', told, 'position')
if type(position) == 'string' and (time_of(position) or 0) > time_of(ends) then
  redis.call('HSET', told, 'position', ends) -- or nothing that comes would be told until then
end
redis.call('RENAME', log, old)
redis.call('RENAME', copy, log)
redis.call('UNLINK', old) -- beside the commands of others, which DEL or a RENAME over it would hold up
local since = redis.pcall('GET', torn)
if since == ARGV[1] or type(since) == 'table' then -- or somebody else wrote another kind of value
  redis.call('SET', torn, REWRITTEN .. ' ' .. ARGV[1]) -- or something was deleted since, and is in the copy too: it is due again
end
return 1
