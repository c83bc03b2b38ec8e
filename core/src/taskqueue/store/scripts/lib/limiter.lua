-- The global limit: GCRA with burst 1, shared by all workers, on the server's clock in whole microseconds.
-- start s = max(now, TAT); TAT = s + cost * T; T = 1.015 / R seconds: 1.5 % of the limit pays for 15 ms of jitter between
-- a start and its arrival. A start is given only while s - now <= HORIZON_US.
-- The TAT follows from the last start and its cost, so that a new rate holds from the next start on.
-- `limiter` fields: start (us) and cost of the last booking, dearest (highest cost ever booked), closed (us, shut until then by a
-- handler), run (run_id of the server), born (us, when that server was first seen), last (us, last call), reap (us, no lease is
-- reaped before), wake, turn and idle (us, see claim), lane (round robin position).
local HORIZON_US = 250000
local SLACK = 1.015

local function rate()
  local known = redis.call('HMGET', P .. 'config', 'rate', 'version')
  local override = redis.call('HGET', P .. 'overrides', ':limit')
  local value = tonumber(known[1])
  if override then
    local limit, expires = string.match(override, '^([^|]*)|([^|]*)')
    if tonumber(expires) == 0 or tonumber(expires) > now then value = tonumber(limit) end
  end
  if value and value <= 0 then value = nil end  -- a limit of 0 starts nothing
  return value, tonumber(known[2]) or 0
end

-- Opens the limiter: reads its state, and if the server is a new one (restart, failover, lost state) assumes the worst:
-- that the old one gave away every slot up to its horizon.
local function open_limiter(lease_ms)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local state = redis.call('HMGET', P .. 'limiter', 'run', 'start', 'cost', 'dearest', 'closed', 'born', 'last', 'reap', 'wake',
    'idle', 'lane', 'turn')
  local per_second, version = rate()
  local function field(i) return tonumber(state[i]) or 0 end
  local limiter = {
    T = per_second and SLACK * 1000000 / per_second, version = version, run = run, start = tonumber(state[2]), cost = field(3),
    dearest = math.max(field(4), 1), closed = field(5), born = field(6), last = field(7), reap = field(8), wake = field(9),
    idle = field(10), lane = field(11), turn = field(12),
  }
  if state[1] ~= run or not limiter.start then
    limiter.start, limiter.cost = math.max(limiter.start or 0, now_us + HORIZON_US), limiter.dearest
    limiter.born = now_us
    limiter.reap = now_us + lease_ms * 1000
  elseif now_us - limiter.last > lease_ms * 500 then
    limiter.reap = now_us + lease_ms * 1000  -- nobody could call: leases ran out through no fault of their workers
  end
  limiter.tat = math.max(limiter.start + limiter.cost * (limiter.T or 0), limiter.closed)
  return limiter
end

local function book(limiter, start_us, cost)
  limiter.start, limiter.cost, limiter.dearest = start_us, cost, math.max(limiter.dearest, cost)
  limiter.tat = start_us + cost * limiter.T
  count('permits', cost)
end

local function close_limiter(limiter)
  redis.call('HSET', P .. 'limiter', 'run', limiter.run, 'start', int(math.ceil(limiter.start)), 'cost', limiter.cost,
    'dearest', limiter.dearest, 'closed', int(limiter.closed), 'born', int(limiter.born), 'last', int(now_us),
    'reap', int(limiter.reap), 'wake', int(limiter.wake), 'idle', int(limiter.idle), 'lane', limiter.lane,
    'turn', int(limiter.turn))
end
