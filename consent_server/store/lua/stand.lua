-- Let nothing be added to a log any more before this moment. Comes after clock.lua and pass.lua.
--
-- KEYS  1 log  stream
-- ARGV  1 what the caller's clock says, in ms
--       2 how far that may be off ours, in ms
-- Returns our time in ms, before which the log stays as it is. If the caller's is too far from it, nothing is done: one
-- of the two is wrong, and a log whose time was moved ahead cannot be moved back

local time = clock()
if math.abs(ARGV[1] - time) > tonumber(ARGV[2]) then
  return time
end
return pass(KEYS[1], string.format('%.0f-0', time)) or time
