-- Pauses of users, set by hand. Every record of a paused user's subscriptions has the flag p, so tick and claim read
-- nothing more. `paused_users`: user -> when the pause ends, ms; END_MS: once the user is resumed. A pause outlives the
-- removal of its user, as a removed user may be added again: for KEPT_MS it is END_MS + the time of the removal.
local KEPT_MS = 30 * 86400000

-- Returns whether a user who has subscriptions is paused.
local function is_paused(user)
  local ends = tonumber(redis.call('ZSCORE', P .. 'paused_users', user))
  if ends and ends > END_MS then redis.call('ZADD', P .. 'paused_users', END_MS, user) end
  return ends ~= nil
end

-- Keeps the pause of a user who was removed.
local function keep_pause(user)
  local ends = tonumber(redis.call('ZSCORE', P .. 'paused_users', user))
  if ends == END_MS then redis.call('ZADD', P .. 'paused_users', END_MS + now, user) end
end

-- Flags the records of all subscriptions of a user as paused or not. Returns how many were changed.
local function flag_paused(user, paused)
  local list, changed = redis.call('HGETALL', P .. 'subscriptions:' .. user), 0
  local zone = zone_of(user)
  for i = 1, #list, 2 do
    local type_name, record = list[i], read_record(list[i + 1])
    local flags = record and with_flag(record.flags, 'p', paused)
    if not record then
      note('subscriptions:' .. user .. ' ' .. type_name)
    elseif flags ~= record.flags then
      record.flags, changed = flags, changed + 1
      write_record(user, type_name, record)
      update_scores(type_name, user, record, zone)
    end
  end
  return changed
end

-- Ends a pause. Returns the number of subscriptions that were paused, and whether the user was.
local function end_pause(user)
  local changed = flag_paused(user, false)
  return changed, redis.call('ZREM', P .. 'paused_users', user) == 1 or changed > 0
end
