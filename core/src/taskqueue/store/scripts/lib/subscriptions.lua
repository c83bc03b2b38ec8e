-- Subscriptions of users, written and removed one by one.

-- Writes a subscription whose present record is `text`, or nil for a new one.
--   desired  {suspended =, paused =, interval = in s as text or '', params =}; paused: of a new one
--   zone     variant of the user's zone;  moved: whether it is another one than before
local function set_subscription(user, type_name, text, desired, zone, moved)
  local record = read_record(text or '')
  if not record then
    local flags = (desired.suspended and 's' or '') .. (desired.paused and 'p' or '')
    record = { flags = flags, interval = desired.interval, params = desired.params }
    deal(type_name, user, record, zone)
    if text then update_scores(type_name, user, record, zone) end  -- an unreadable record
    return
  end
  local flags, interval, params = record.flags, record.interval, record.params
  local was_suspended = string.find(flags, 's', 1, true) ~= nil
  record.flags = with_flag(flags, 's', desired.suspended)
  record.interval, record.params = desired.interval, desired.params
  local edited = was_suspended ~= desired.suspended or interval ~= record.interval or params ~= record.params
  if edited and is_suspended_by_breaker(record) then
    begin_trial_of(type_name, user, record)
  else
    write_record(user, type_name, record)
  end
  if moved or is_idle(flags) ~= is_idle(record.flags) then update_scores(type_name, user, record, zone) end
  if interval ~= record.interval then note_interval(type_name, user, record) end
end

local function remove_subscription(user, type_name, text)
  local record = read_record(text)
  local class = record and present_class(type_name, user, record)
  if class then free_number(class, record.k) end
  for number in pairs(generations_of(type_name).classes) do
    redis.call('ZREM', P .. 'schedule:' .. type_name .. ':' .. number, user)
  end
  -- Generation 0: its type is being removed.
  if record then redis.call('ZREM', P .. 'schedule:' .. type_name .. ':' .. int(record.generation), user) end
  redis.call('ZREM', P .. 'interval_changes', type_name .. '|' .. user)
  if record and is_suspended_by_breaker(record) then forget_suspension(type_name, user) end
  redis.call('HDEL', P .. 'subscriptions:' .. user, type_name)
  redis.call('HDEL', P .. 'runs:' .. user, type_name)
end
