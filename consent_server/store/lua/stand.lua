-- Let nothing be added to a log any more before this moment. Comes after clock.lua and pass.lua.
--
-- KEYS  1 log  stream
-- Returns our time in ms, before which the log stays as it is

local time = string.format('%.0f', clock())
return pass(KEYS[1], time .. '-0') or tonumber(time)
