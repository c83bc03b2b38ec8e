-- Trials of subscriptions that the circuit breaker suspended: the next job is let through, and decides.
local RETRY_MS = 86400000  -- of a type that has no circuit breaker any more

local function is_suspended_by_breaker(record) return string.find(record.flags, '[bt]') ~= nil end

-- Lets the next job of a suspended subscription through; the caller updates its scores. A trial that gets no outcome is
-- repeated after retrySuspendedAfter.
local function begin_trial_of(type_name, user, record)
  local why, _, retry_ms = read_suspension(type_name, user), breaker_of(type_name)
  why.trial, why.lease = '', nil
  record.flags = with_flag(with_flag(record.flags, 'b', false), 't', true)
  write_record(user, type_name, record)
  write_suspension(type_name, user, why, now + (retry_ms or RETRY_MS))
end

local function forget_suspension(type_name, user)
  redis.call('HDEL', P .. 'suspended:' .. type_name, user)
  redis.call('ZREM', P .. 'suspended', type_name .. '|' .. user)
end
