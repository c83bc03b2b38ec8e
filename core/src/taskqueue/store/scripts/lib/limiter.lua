-- The global limit: GCRA with burst 1, shared by all workers, on the server's clock in whole microseconds.
-- start s = max(now, TAT); TAT = s + cost * T; T = 1.015 / R seconds: 1.5 % of the limit pays for 15 ms of jitter between
-- a start and its arrival. A start is given only while s - now <= HORIZON_US.
-- The TAT follows from the last start and its cost, so that a new rate holds from the next start on.
-- `limiter` fields: start (us) and cost of the last booking, dearest (highest cost ever booked), closed (us, shut until then by a
-- handler, of closed_by: TYPE|USER), run (which server, see server_run), born (us, when that server was first seen), last (us, last call), reap (us, no lease is
-- reaped before), wake, turn and idle (us, see claim), lane (round robin position), stepped (us, how far the clock was set back in all).
local HORIZON_US = 250000
local CLOSED_MAX_US = 86400000000  -- a day: whoever shuts a limit for longer took a date for a delay
local COST_MAX = 1000  -- of one booking: more would close the limit for as long
local STEP_US = 100000  -- clocks are slewed by less than this between two calls
local UPTIME_S = 2      -- uptimes are whole seconds: the start of a server reckoned from them wobbles

local function info(section) return redis.call('INFO', section) end

-- Names the run of the server: its run_id, or, where INFO has none (Dragonfly), its replication id and the second it started.
-- `known` is the name it had at the last call, which it keeps while it can be the same run.
local function server_run(known)
  local server = info('server')
  local run = string.match(server, 'run_id:(%x+)')
  if run then return run end
  local uptime = string.match(server, 'uptime_in_seconds:(%d+)')
  if not uptime then
    error({ err = 'ERR NOIDENTITY the INFO of this server has neither run_id nor uptime_in_seconds, so a restart would go unnoticed' })
  end
  local replid = string.match(info('replication'), 'master_replid:(%w+)') or 'none'
  local began = math.floor(now / 1000) - uptime
  local known_replid, known_began = string.match(known or '', '^(%w+)@(%d+)$')
  if known_replid == replid and math.abs(known_began - began) <= UPTIME_S then return known end
  return replid .. '@' .. int(began)
end

-- Takes the state of the release along when the server's clock was set back: every instant that was kept moves by as much,
-- so that what was due stays due, and what was to wait goes on waiting as long as before. What each worker was told is
-- not known on the new clock, so the limiter begins as on a new server. Sorted sets are scaled, as Redis cannot add to all
-- scores of one: at an hour and a day's distance that differs by 0.2 s. The cursor stays: new dues wait for the clock.
local function follow_step_back(limiter)
  local by_us = limiter.last - now_us
  local scale = string.format('%.17g', now_us / limiter.last)
  local scored = { 'wake', 'leased', 'closed' }
  for _, lane in ipairs(LANES) do scored[#scored + 1] = 'ready:' .. lane end
  for _, key in ipairs(scored) do
    redis.call('ZUNIONSTORE', P .. key, 1, P .. key, 'WEIGHTS', scale)
  end
  local workers = redis.call('HGETALL', P .. 'workers')
  for i = 1, #workers, 2 do
    local beat, rest = string.match(workers[i + 1], '^(%d+)(.*)$')
    if (whole(beat) or 0) > now then redis.call('HSET', P .. 'workers', workers[i], int(now) .. rest) end
  end
  local overrides = redis.call('HGETALL', P .. 'overrides')  -- a field for each paused type, and the limit's
  for i = 1, #overrides, 2 do
    local value, ends = string.match(overrides[i + 1], '^(.*)|(%d+)$')
    if (whole(ends) or 0) > 0 then
      redis.call('HSET', P .. 'overrides', overrides[i], value .. '|' .. int(math.max(1, ends - by_us / 1000)))
      redis.call('HINCRBY', P .. 'config', 'version', 1)
    end
  end
  limiter.start, limiter.wake, limiter.turn, limiter.idle = 0, now_us, now_us, now_us
  limiter.closed, limiter.stepped = limiter.closed - by_us, limiter.stepped + by_us
  count('clock_steps')
end

-- Reads a rate; a limit of 0 starts nothing, and so does what is none.
local function per_second(text)
  local value = text and string.find(text, '^[%d.e+-]+$') and tonumber(text)
  return value and value >= 1e-6 and value <= 1e9 and value or nil
end

local function rate()
  local configured = redis.call('HGET', P .. 'config', 'rate')
  local override = redis.call('HGET', P .. 'overrides', ':limit')
  local value = per_second(configured)
  if configured and not value and tonumber(configured) ~= 0 then note('config rate') end
  if override then
    local limit, expires = string.match(override, '^([^|]*)|(%d+)$')
    local over = per_second(limit)
    expires = whole(expires)
    if not expires or not (over or tonumber(limit) == 0) then
      note('overrides :limit')
    elseif expires == 0 or expires > now then
      value = over
    end
  end
  return value, tonumber(types_version())
end

-- Opens the limiter: reads its state, and if the server is a new one (restart, failover, lost state, a clock that was set back)
-- assumes the worst: that the old one gave away every slot up to its horizon.
local function open_limiter(lease_ms)
  local state = redis.call('HMGET', P .. 'limiter', 'run', 'start', 'cost', 'dearest', 'closed', 'born', 'last', 'reap', 'wake',
    'idle', 'lane', 'turn', 'stepped')
  local run = server_run(state[1])
  local per_second, version = rate()
  local function field(i, name)
    if not state[i] then return end
    local number = tonumber(state[i])
    if number and number % 1 == 0 and math.abs(number) < 1e16 then return number end
    note('limiter ' .. name)
  end
  local dearest = math.min(field(4, 'dearest') or 1, COST_MAX)
  local limiter = {
    T = per_second and STRETCH * 1000000 / per_second, version = version, run = run, start = field(2, 'start'),
    cost = math.min(field(3, 'cost') or dearest, COST_MAX), dearest = math.max(dearest, 1), born = field(6, 'born') or 0,
    last = field(7, 'last') or 0, reap = field(8, 'reap') or 0, wake = field(9, 'wake') or 0, idle = field(10, 'idle') or 0,
    lane = field(11, 'lane') or 0, turn = field(12, 'turn') or 0, stepped = field(13, 'stepped') or 0,
  }
  limiter.closed = math.min(field(5, 'closed') or 0, now_us + CLOSED_MAX_US)
  local back = limiter.last - now_us > STEP_US
  if back then follow_step_back(limiter) end
  if state[1] ~= run or not limiter.start or back then
    limiter.start, limiter.cost = math.max(limiter.start or 0, now_us + HORIZON_US), limiter.dearest
    limiter.born = now_us
    limiter.reap = now_us + lease_ms * 1000
  elseif now_us - limiter.last > lease_ms * 500 then
    limiter.reap = now_us + lease_ms * 1000  -- nobody could call: leases ran out through no fault of their workers
  end
  limiter.tat = math.max(limiter.start + limiter.cost * (limiter.T or 0), limiter.closed)
  return limiter
end

-- Shuts the limit for all workers; `by` is TYPE|USER of the job whose handler was told so by the API.
local function shut(limiter, until_us, by)
  until_us = math.min(until_us, now_us + CLOSED_MAX_US)
  if until_us <= limiter.closed then return end
  limiter.closed, limiter.tat = until_us, math.max(limiter.tat, until_us)
  redis.call('HSET', P .. 'limiter', 'closed_by', by)
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
    'turn', int(limiter.turn), 'stepped', int(limiter.stepped))
end
