-- Keep one decision, once: find it, or log it, index it and count it, all or nothing.
--
-- KEYS  1 seen     hash   digest of a subject -> its latest places in the log, 8 bytes each (6 time in ms, 2 sequence)
--       2 older    hash   id of a decision as packed -> its place, of those before
--       3 log      stream, field e -> packed entry
--       4 refused  hash   hour and notice -> the signature that all refusals of that hour share
--       5 values   hash   as in count.lua, which comes before this as clock.lua does
--       6 count    string likewise
-- ARGV  1 digest of the subject
--       2 when it is recorded, in ms
--       3 what the caller's clock says, in ms
--       4 how far that may be off ours, in ms
--       5 packed entry
--       6 the decision's id as packed in the entry
--       7 the id, as packed, of the decision that this one follows; empty where there is none to look for
--       8 field in `refused`, or empty: then the signature is at the end of the entry
--       9 signature
--       10… what to count
-- Returns {NEW, ms}                         it is new and kept
--         {REPEATED, ms, entry, signature, now}  it was kept before, as this; what our clock says, in ms
--         {REPLACED}                        the decision that it follows is not the subject's latest
--         {PASSED, ms}                      not at that time: the log is past it, or it is another day; at ms it may be
--         {APART, ms}                       the caller's clock is off ours, which says ms
--         {FULL}                            the subject has changed it too often
--         {AHEAD, ms, last}                 somebody has moved the log ahead of our clock, which says ms, to `last`

-- Reply in decisions.py
local NEW, REPEATED, REPLACED, PASSED, APART, FULL, AHEAD = 0, 1, 2, 3, 4, 5, 6

local seen, older, log, refused, values, counter = unpack(KEYS)
local digest, now, theirs, leeway, entry, id, follows, hour, signature = unpack(ARGV, 1, 9)
now, leeway = tonumber(now), tonumber(leeway)

-- where notice and id start in a packed entry
local NOTICE_AT, ID_AT = 5, 11

-- how many places of a subject are in `seen`
local LATEST = 64

-- how many before those a subject may have: who reads or erases them holds up everybody meanwhile
local MOST = 2000

-- the last sequence number of a millisecond that has room in a place
local LAST = 65535

local function place(positions, i)
  local ms, seq = struct.unpack('>I6I2', positions, i)
  return ms, string.format('%.0f-%d', ms, seq)
end

local positions = redis.call('HGET', seen, digest) or ''

local function repeated(ms, entry)
  local second = math.floor(ms / 1000)
  -- Written again, or WAIT would have nothing to wait for, and replicas perhaps not have it yet.
  redis.call('HSET', seen, digest, positions)
  local of_then = struct.pack('>I4', second - second % 3600) .. string.sub(entry, NOTICE_AT, ID_AT - 1)
  return {REPEATED, ms, entry, redis.call('HGET', refused, of_then) or '', clock()}
end

local latest
for i = #positions - 7, 1, -8 do
  local ms, at = place(positions, i)
  local found = redis.call('XRANGE', log, at, at)[1]
  if found then
    local earlier = found[2][2]
    if string.sub(earlier, ID_AT, ID_AT + #id - 1) == id then
      return repeated(ms, earlier)
    end
    latest = latest or string.sub(earlier, ID_AT, ID_AT + #follows - 1)
  end
end
local before = positions ~= '' and redis.call('HGET', older, id)
if before then
  local ms, at = place(before, 1)
  local found = redis.call('XRANGE', log, at, at)[1]
  if found then
    return repeated(ms, found[2][2])
  end
end
if follows ~= '' and latest ~= follows then
  return {REPLACED}
end

-- a withdrawal, after which whoever allows something is another subject, is always kept
if hour == '' and positions ~= '' and redis.call('HLEN', older) >= MOST then
  return {FULL}
end

-- What is written below is read before: where somebody else wrote another kind of value, an error here leaves nothing
-- half done.
redis.call('BITFIELD', counter, 'GET', 'u32', 0)
if hour ~= '' then
  redis.call('HGET', refused, hour)
end
local counted = counting(values, 10)
if counted.err then
  return counted
end

local time = clock()
if math.abs(theirs - time) > leeway then
  return {APART, time}
end

if is_another_day(now, time, leeway) and now > last(log) then
  return {PASSED, time}
end

local function add(ms)
  return redis.pcall('XADD', log, string.format('%.0f-*', ms), 'e', entry)
end

local at = add(now)
if type(at) == 'table' then
  if not string.find(at.err, 'equal or smaller', 1, true) then
    return at
  end
  -- the log's clock never runs backwards
  local ms, seq = last(log)
  if is_ahead(ms, time, leeway) then
    return {AHEAD, time, ms}
  end
  if seq >= LAST then
    return {PASSED, ms + 1}
  end
  if math.floor(ms / 1000) ~= math.floor(now / 1000) then
    return {PASSED, ms}
  end
  at = add(ms)
end

local ms, seq = string.match(at, '^(%d+)-(%d+)$')
if tonumber(seq) > LAST then
  redis.call('XDEL', log, at)
  return {PASSED, ms + 1}
end
if #positions >= 8 * LATEST then
  local _, oldest = place(positions, 1)
  local found = redis.call('XRANGE', log, oldest, oldest)[1]
  if found then
    local size = string.byte(found[2][2], ID_AT)
    local its = string.sub(found[2][2], ID_AT, ID_AT + (size == 0 and 16 or size))
    redis.call('HSET', older, its, string.sub(positions, 1, 8))
  end
  positions = string.sub(positions, 9)
end
positions = positions .. struct.pack('>I6I2', ms, seq)
redis.call('HSET', seen, digest, positions)
if hour ~= '' then
  redis.call('HSETNX', refused, hour, signature)
end
count(values, counter, counted)
return {NEW, tonumber(ms)}
