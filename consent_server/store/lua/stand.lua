-- Let nothing be added to a log any more before this moment. Comes after clock.lua and pass.lua.
--
-- KEYS  1 log  stream
-- ARGV  1 what the caller's clock says, in ms
--       2 how far that may be off ours, in ms
-- Returns {ms}, our time, before which the log stays as it is. If the caller's is too far from it, nothing is done: one
-- of the two is wrong, and a log whose time was moved ahead is not moved back. Or {ms, last}, where somebody has moved
-- it ahead of our time, to `last`

local log, theirs, leeway = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = clock()
if math.abs(theirs - time) > leeway then
  return {time}
end
local ms = last(log)
if is_ahead(ms, time, leeway) then
  return {time, ms}
end
return pass(log, string.format('%.0f-0', time)) or {time}
