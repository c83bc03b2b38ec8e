-- When the store was set up, and in which schema.

-- Returns when the store was set up (ms; nil: never, or unreadable) and the raw value.
local function read_installed()
  local text = redis.call('GET', P .. 'installed')
  return text and whole(string.match(text, '^%d+|(%d+)$')) or nil, text
end

-- Marks the store as set up now, in this schema. Returns whether it was not marked before.
local function write_installed()
  return redis.call('SET', P .. 'installed', SCHEMA .. '|' .. int(now), 'NX') ~= false
end
