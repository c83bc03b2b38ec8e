-- Subscriptions of users, written and removed one by one. One user has one source: manifests leave the users of imports
-- and clients alone; an import takes over users of manifests; a client takes over none.
local function is_kept(stored, source)
  local owner = stored and string.match(stored, '^[^|]*')
  if not owner or owner == source then return false end
  return source == 'client' or owner == 'client' or owner == 'import'
end

-- Writes a subscription whose present record is `record`, or nil for a new one.
local function set_subscription(user, type_name, record, suspended, params)
  local subscriptions_key = P .. 'subscriptions:' .. user
  local k, generation, was_suspended = read_record(record or '')
  if k then
    write_record(subscriptions_key, type_name, k, generation, suspended, params)
    if was_suspended ~= suspended then set_suspended(type_name, user, suspended) end
  else
    deal(type_name, user, suspended, params, subscriptions_key)
    if record then set_suspended(type_name, user, suspended) end  -- an unreadable record
  end
end

local function remove_subscription(user, type_name, record)
  local k, generation = read_record(record)
  for number in pairs(generations_of(type_name).classes) do
    redis.call('ZREM', P .. 'schedule:' .. type_name .. ':' .. number, user)
  end
  if k then
    redis.call('ZREM', P .. 'schedule:' .. type_name .. ':' .. generation, user)  -- 0: its type is being removed
    free_number(type_name, k, generation)
  end
  redis.call('HDEL', P .. 'subscriptions:' .. user, type_name)
  redis.call('HDEL', P .. 'runs:' .. user, type_name)
end
