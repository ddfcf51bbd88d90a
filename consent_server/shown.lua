-- Count a banner that was shown.
--
-- KEYS  1 values, 2 counter: as in count.lua, which comes before this
-- ARGV  what to count
-- Returns nothing

count(KEYS[1], KEYS[2], 1)
