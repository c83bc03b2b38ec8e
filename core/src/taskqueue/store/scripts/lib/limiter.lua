-- The global limit: GCRA with burst 1, shared by all workers, on the server's clock in whole us.
--   start = max(now, TAT, due)    TAT = start + cost * slot    slot = STRETCH / rate    start - now <= HORIZON_US
-- TAT (theoretical arrival time) is the earliest next start. It follows from the last start and its cost, so that a new
-- rate holds from the next start on. STRETCH = 1.015: 1.5 % of the rate pays for 15 ms between a start and its arrival.
--
-- Fields of `limiter`, us of the server's clock where the name ends in _us:
--   start_us, cost       last start that was reserved, and its cost
--   max_cost             highest cost ever reserved
--   closed_until_us      a handler closed the limit until then; closed_by: TYPE|USER of its job
--   server_run           run of the server (server_run below); first_seen_us: first call on it, 0 in a new store
--   last_call_us         last call that loaded the limiter
--   reap_from_us         no expired lease is taken back before
--   due_covered_us       dues until then are covered by a call that a worker was told to make (claim.lua, next call)
--   idle_poll_us         time given to the last idle worker
--   lane_position        position in TURNS, the round robin over the lanes
--   seen_version         version of types and overrides at the last call
--   shared_until_us      until then limits share paths: the horizon is shorter
local STEP_US = 100000  -- clocks are slewed by less than this between two calls
local UPTIME_S = 2      -- uptime is in whole seconds, so now - uptime varies between calls

local function info(section) return redis.call('INFO', section) end

-- Returns the name of this run of the server: its run_id, or, where INFO has none (Dragonfly), replication id @ start
-- (epoch s). previous: the name at the last call, which is kept while the run can be the same.
local function server_run(previous)
  local server = info('server')
  local run = string.match(server, 'run_id:(%x+)')
  if run then return run end
  local uptime = string.match(server, 'uptime_in_seconds:(%d+)')
  if not uptime then
    error({ err = 'ERR NOIDENTITY the INFO of this server must have run_id or uptime_in_seconds (has neither): '
      .. 'a restart would go unnoticed' })
  end
  local replid = string.match(info('replication'), 'master_replid:(%w+)') or 'none'
  local began = math.floor(now / 1000) - uptime
  local previous_replid, previous_began = string.match(previous or '', '^(%w+)@(%d+)$')
  if previous_replid == replid and math.abs(previous_began - began) <= UPTIME_S then return previous end
  return replid .. '@' .. int(began)
end

-- Lets a key of TATs live as long as its last TAT (lib/limits.lua).
local function expire_tats(key)
  local last_us = tonumber(redis.call('ZRANGE', P .. key, -1, -1, 'WITHSCORES')[2]) or 0
  local ttl_us = math.min(last_us - now_us, 1e16)
  if ttl_us > 0 then redis.call('PEXPIRE', P .. key, int(math.ceil(ttl_us / 1000))) end
end

-- Follows a clock that was set back: moves every stored time back by the same step, so that due jobs stay due, and
-- delays, leases and closed limits last as long as before. Which starts were given out is not known on the new clock,
-- so the limiter begins as on a new server. Sorted sets are multiplied, as Redis cannot add to all scores at once: for
-- a step of an hour, a time a day away is wrong by 0.2 s. The cursor stays: new dues wait for the clock.
local function follow_step_back(limiter)
  local by_us = limiter.last_call_us - now_us
  local scale = string.format('%.17g', now_us / limiter.last_call_us)
  local scored = { 'limits_free_at', 'leases', 'limits_closed_until', 'lanes_busy', 'lanes_due', 'beats', 'tats' }
  for _, name in ipairs(redis.call('HKEYS', P .. 'limits')) do scored[#scored + 1] = 'tats:' .. name end
  for _, lane in ipairs(list_lanes_with_jobs()) do scored[#scored + 1] = 'ready:' .. lane end
  for _, key in ipairs(scored) do
    redis.call('ZUNIONSTORE', P .. key, 1, P .. key, 'WEIGHTS', scale)
    if string.sub(key, 1, 4) == 'tats' then expire_tats(key) end
  end
  for _, field in ipairs(redis.call('HKEYS', P .. 'changed_limits')) do
    redis.call('HSET', P .. 'changed_limits', field, '0')  -- a score, which may now stand behind one not looked at
  end
  local workers = redis.call('HGETALL', P .. 'workers')
  for i = 1, #workers, 2 do
    local heartbeat, rest = string.match(workers[i + 1], '^(%d+)(.*)$')
    if (whole(heartbeat) or 0) > now then redis.call('HSET', P .. 'workers', workers[i], int(now) .. rest) end
  end
  local overrides = redis.call('HGETALL', P .. 'overrides')  -- a field a paused type, and :limit
  for i = 1, #overrides, 2 do
    local value, ends = string.match(overrides[i + 1], '^(.*)|(%d+)$')
    if (whole(ends) or 0) > 0 then
      redis.call('HSET', P .. 'overrides', overrides[i], value .. '|' .. int(math.max(1, ends - by_us / 1000)))
      redis.call('HINCRBY', P .. 'config', 'version', 1)
    end
  end
  limiter.start_us, limiter.due_covered_us, limiter.idle_poll_us = 0, now_us, now_us
  limiter.closed_until_us = limiter.closed_until_us - by_us
  count('clock_steps')
end

-- Reads the rate of the global limit: nil for 0, which starts nothing, infinity for `none`. Tells whether it is readable.
local function read_rate(text)
  if text == 'none' then return math.huge, true end
  local value = per_second(text)
  return value, value ~= nil or tonumber(text) == 0
end

-- Returns the rate in force (nil: nothing starts; infinity: no limit) and the version of types and overrides.
local function rate()
  local configured = redis.call('HGET', P .. 'config', 'rate')
  local override = redis.call('HGET', P .. 'overrides', ':limit')
  local value, readable = read_rate(configured)
  if configured and not readable then note('config rate') end
  if override then
    local text, expires = string.match(override, '^([^|]*)|(%d+)$')
    local replacement, understood = read_rate(text)
    expires = whole(expires)
    if not expires or not understood then
      note('overrides :limit')
    elseif expires == 0 or expires > now then
      value = replacement
    end
  end
  return value, tonumber(types_version())
end

-- Returns the TAT; 0 without a limit: then only the limits by name hold.
local function next_slot(limiter)
  if (limiter.slot_us or 0) == 0 then return 0 end
  return limiter.start_us + limiter.cost * limiter.slot_us
end

-- Loads the limiter. On a server not seen before (restart, failover, lost state) or after a clock that was set back it
-- assumes that every slot up to the horizon was given out; not so in a new store.
local function load_limiter(lease_ms)
  local state = redis.call('HMGET', P .. 'limiter', 'server_run', 'start_us', 'cost', 'max_cost', 'closed_until_us',
    'first_seen_us', 'last_call_us', 'reap_from_us', 'due_covered_us', 'idle_poll_us', 'lane_position',
    'seen_version', 'shared_until_us')
  local run = server_run(state[1])
  local per_second, version = rate()
  local function field(i, name)
    if not state[i] then return end
    local number = tonumber(state[i])
    if number and number % 1 == 0 and math.abs(number) < 1e16 then return number end
    note('limiter ' .. name)
  end
  local max_cost = math.min(field(4, 'max_cost') or 1, MAX_COST)
  local limiter = {
    name = GLOBAL, depth = 0, burst = 1, grid_us = 0, slot_us = per_second and STRETCH * 1000000 / per_second, version = version, server_run = run,
    start_us = field(2, 'start_us'),
    cost = math.min(field(3, 'cost') or max_cost, MAX_COST), max_cost = math.max(max_cost, 1),
    first_seen_us = field(6, 'first_seen_us') or 0, last_call_us = field(7, 'last_call_us') or 0,
    reap_from_us = field(8, 'reap_from_us') or 0, due_covered_us = field(9, 'due_covered_us') or 0,
    idle_poll_us = field(10, 'idle_poll_us') or 0, lane_position = field(11, 'lane_position') or 0,
    seen_version = field(12, 'seen_version') or 0, shared_until_us = field(13, 'shared_until_us') or 0,
  }
  limiter.spacing_us = limiter.slot_us or 0
  limiter.closed_until_us = math.min(field(5, 'closed_until_us') or 0, now_us + CLOSED_MAX_US)
  local back = limiter.last_call_us - now_us > STEP_US
  if back then follow_step_back(limiter) end
  if state[1] ~= run or not limiter.start_us or back then
    -- No start can have been lost before the first one. A store that lost everything is marked (install.lua).
    local is_new = not (state[1] or state[6] or redis.call('HGET', P .. 'metrics', 'reserved_slots'))
    limiter.start_us = math.max(limiter.start_us or 0, is_new and 0 or now_us + HORIZON_US)
    limiter.cost, limiter.first_seen_us = limiter.max_cost, is_new and 0 or now_us
    limiter.reap_from_us = now_us + lease_ms * 1000
  elseif now_us - limiter.last_call_us > lease_ms * 500 then
    limiter.reap_from_us = now_us + lease_ms * 1000  -- no worker reached the store, so leases could not be extended
  end
  limiter.free_us = math.max(next_slot(limiter), limiter.closed_until_us)
  return limiter
end

-- Closes the limit for all workers. by: TYPE|USER of the job whose handler was refused by the API.
local function close_global(limiter, until_us, by)
  until_us = math.min(until_us, now_us + CLOSED_MAX_US)
  if until_us <= limiter.closed_until_us then return end
  limiter.closed_until_us, limiter.free_us = until_us, math.max(limiter.free_us, until_us)
  redis.call('HSET', P .. 'limiter', 'closed_by', by)
end

-- Reserves `cost` slots from start_us on.
local function reserve(limiter, start_us, cost)
  limiter.start_us = math.max(limiter.start_us, start_us)  -- without a rate, starts are reserved in any order
  limiter.cost, limiter.max_cost = cost, math.max(limiter.max_cost, cost)
  limiter.free_us = next_slot(limiter)
  count('reserved_slots', cost)
end

-- Writes the limiter back, in a store with task types: before there is one, nothing starts.
local function save_limiter(limiter)
  if not schema then return end
  redis.call('HSET', P .. 'limiter', 'server_run', limiter.server_run, 'start_us', int(math.ceil(limiter.start_us)),
    'cost', limiter.cost, 'max_cost', limiter.max_cost, 'closed_until_us', int(limiter.closed_until_us),
    'first_seen_us', int(limiter.first_seen_us), 'last_call_us', int(now_us), 'reap_from_us', int(limiter.reap_from_us),
    'due_covered_us', int(limiter.due_covered_us), 'idle_poll_us', int(limiter.idle_poll_us),
    'lane_position', limiter.lane_position, 'seen_version', int(limiter.seen_version), 'shared_until_us', int(limiter.shared_until_us))
end
