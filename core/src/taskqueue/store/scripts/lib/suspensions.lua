-- Suspensions by the circuit breaker, which lib/breaker.lua decides on. A record's flags then have one of
--   b  no job of the subscription is emitted or starts
--   t  on trial: one job is let through (lib/trials.lua). If it is done the suspension is over, else it begins anew
-- `suspended`: TYPE|USER -> when a publisher has something to do (follow_suspended), ms; 0: at once.
-- `suspended:TYPE`: user -> msgpack {since = ms, reason =, failures = in a row, trial = the job that is let through, '':
-- the next one, lease = as it was leased}.
local BREAKER = '^%l+|%d+|%a+|%d+|[01]|%d|[^|\n]*|[^|\n]*|(%d+)|(%d+)'

-- Returns suspendAfter and retrySuspendedAfter (ms) of a type; nothing for a type without a circuit breaker.
local function breaker_of(type_name)
  local after, retry_ms = string.match(redis.call('HGET', P .. 'types', type_name) or '', BREAKER)
  after, retry_ms = whole(after), whole(retry_ms)
  if after and retry_ms and after > 0 then return after, retry_ms end
end

-- Reads a suspension; one that cannot be read began now.
local function read_suspension(type_name, user)
  local text = redis.call('HGET', P .. 'suspended:' .. type_name, user)
  local why = text and unpacked(text)
  if type(why) == 'table' and type(why.since) == 'number' and type(why.trial) == 'string' then return why end
  if text then note('suspended:' .. type_name .. ' ' .. user) end
  return { since = now, reason = '', failures = 0, trial = '' }
end

-- next_ms: when a publisher looks at it; nil: as before.
local function write_suspension(type_name, user, why, next_ms)
  redis.call('HSET', P .. 'suspended:' .. type_name, user, cmsgpack.pack(why))
  if next_ms then redis.call('ZADD', P .. 'suspended', next_ms, type_name .. '|' .. user) end
end
