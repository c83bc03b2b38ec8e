-- follow_suspended: has schedules follow the circuit breaker (lib/suspensions.lua): nothing is emitted for a suspended
-- subscription; after retrySuspendedAfter its next job is let through, and again if that job got no outcome.
-- KEYS  1 prefix
-- ARGV  1 most subscriptions to look at
-- Output  [1 if there is more to do, else 0, [[event, type, user], ...]]; events: suspended, trial, resumed
-- uses: base types generations variants deal suspensions trials users
local UNREADABLE_MS = 60000  -- an unreadable record is looked at again after this
local most, events = tonumber(ARGV[1]), {}

-- Tells whether the job on trial waits or runs.
local function is_under_way(why)
  if why.trial == '' then return false end
  return redis.call('HEXISTS', P .. 'attempts', why.trial) == 1
    or type(why.lease) == 'string' and redis.call('ZSCORE', P .. 'leases', why.lease) ~= false
end

-- Takes the next step of a subscription. is_new: it was suspended, or a trial ended, since the last call.
local function step(type_name, user, record, is_new)
  local why, _, retry_ms = read_suspension(type_name, user), breaker_of(type_name)
  retry_ms = retry_ms or RETRY_MS
  local event
  if not is_suspended_by_breaker(record) then
    event = 'resumed'
    forget_suspension(type_name, user)
  elseif is_new then
    event = 'suspended'
    write_suspension(type_name, user, why, why.since + retry_ms)
  elseif is_under_way(why) then
    write_suspension(type_name, user, why, now + retry_ms)
  else
    event = 'trial'
    begin_trial_of(type_name, user, record)
  end
  update_scores(type_name, user, record, zone_of(user))
  if event then events[#events + 1] = { event, type_name, user } end
end

local rows = redis.call('ZRANGEBYSCORE', P .. 'suspended', '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #rows, 2 do
  local type_name, user = string.match(rows[i], '^([^|]+)|(.+)$')
  local text = type_name and redis.call('HGET', P .. 'subscriptions:' .. user, type_name)
  local record = text and read_record(text)
  if not type_name then
    redis.call('ZREM', P .. 'suspended', rows[i])
    note('suspended ' .. rows[i], 'was no subscription, removed', true)
  elseif record then
    step(type_name, user, record, tonumber(rows[i + 1]) == 0)
  elseif text then
    redis.call('ZADD', P .. 'suspended', now + UNREADABLE_MS, rows[i])
  else
    forget_suspension(type_name, user)
  end
end
flush_counts()
return { #rows == 2 * most and 1 or 0, events }
