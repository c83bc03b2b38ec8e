-- Single values of the store: a field, the version of the types, the cursor, whether there is a key.

-- Keys that many stores lack, by name: whether there is one. One command tells that none is there, else each is looked
-- for when it is needed.
local rare_keys

-- Tells whether there is one of the rare keys.
local function is_there(name)
  if not rare_keys then
    rare_keys = {}
    local some = redis.call('EXISTS', P .. 'attempts', P .. 'limits', P .. 'limits_closed_until', P .. 'limits_free_at',
      P .. 'overrides', P .. 'suspects')
    if some == 0 then
      rare_keys = {
        attempts = false, limits = false, limits_closed_until = false, limits_free_at = false, overrides = false,
        suspects = false,
      }
    end
  end
  if rare_keys[name] == nil then rare_keys[name] = redis.call('EXISTS', P .. name) == 1 end
  return rare_keys[name]
end

-- Records that this call writes a rare key.
local function add_rare(name)
  if rare_keys then rare_keys[name] = true end
end

-- Reads a hash field with a whole number; an unreadable field is noted and counts as missing.
local function number_at(name, field)
  local text = redis.call('HGET', P .. name, field)
  local number = whole(text)
  if text and not number then note(name .. ' ' .. field) end
  return number
end

-- Returns the version of types and overrides, as text. It only grows: an unreadable version is replaced by the clock
-- (ms), which is above every version before. text: the field, where it is read already; false: it is missing.
local function types_version(text)
  if text == nil then text = redis.call('HGET', P .. 'config', 'version') end
  if text and not whole(text) then
    note('config version')
    redis.call('HSET', P .. 'config', 'version', int(now))
    return int(now)
  end
  return text or '0'
end

-- Returns the cursor (ms), or nil. An unreadable cursor is set aside, and lost. text: the key, where it was read.
local function read_cursor(text)
  text = text or redis.call('GET', P .. 'cursor')
  local cursor = whole(text)
  if text and not (cursor and cursor < END_MS) then
    set_aside(P .. 'cursor')
    cursor = nil
  end
  return cursor
end
