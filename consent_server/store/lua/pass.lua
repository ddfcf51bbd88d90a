-- Heads the scripts that close a log up to a moment.

-- Moves a log's clock to `last`, the id of an entry, for good: by an entry that is taken out again. Returns an error, or
-- nothing, also where the log is past that moment already.
local function pass(log, last)
  local added = redis.pcall('XADD', log, last, 'e', '')
  if type(added) == 'string' then
    redis.call('XDEL', log, last)
  elseif not string.find(added.err, 'equal or smaller', 1, true) then
    return added
  end
end

