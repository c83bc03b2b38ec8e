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

-- Numbers of `limiter`, as they are read and written.
local NUMBERS = {
  'start_us', 'cost', 'max_cost', 'closed_until_us', 'first_seen_us', 'last_call_us', 'reap_from_us',
  'due_covered_us', 'idle_poll_us', 'lane_position', 'seen_version', 'shared_until_us',
}
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
  local configured, version = unpack(redis.call('HMGET', P .. 'config', 'rate', 'version'))
  local override = is_there('overrides') and redis.call('HGET', P .. 'overrides', ':limit')
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
  return value, tonumber(types_version(version))
end

-- Returns the TAT; 0 without a limit: then only the limits by name hold.
local function next_slot(limiter)
  if limiter.spacing_us == 0 then return 0 end
  return limiter.start_us + limiter.cost * limiter.spacing_us
end

-- Reads the fields; a number that is missing or unreadable is nil. stored: the numbers, to write those that change.
local function read_limiter()
  local texts = redis.call('HMGET', P .. 'limiter', 'server_run', unpack(NUMBERS))
  local limiter = { name = GLOBAL, depth = 0, burst = 1, grid_us = 0, reserved = 0, stored = {} }
  limiter.known = texts[1] or texts[6]
  for i = 1, #NUMBERS do
    local text, name = texts[i + 1], NUMBERS[i]
    local number = text and tonumber(text)
    if number and number % 1 == 0 and number > -1e16 and number < 1e16 then
      limiter[name], limiter.stored[name] = number, number
    elseif text then
      note('limiter ' .. name)
    end
  end
  limiter.server_run = server_run(texts[1])
  limiter.is_new_run = limiter.server_run ~= texts[1]
  return limiter
end

-- Loads the limiter. On a server not seen before (restart, failover, lost state) or after a clock that was set back it
-- assumes that every slot up to the horizon was given out; not so in a new store.
local function load_limiter(lease_ms)
  local limiter = read_limiter()
  local per_second, version = rate()
  local knows_start = limiter.start_us ~= nil
  limiter.max_cost = math.min(limiter.max_cost or 1, MAX_COST)
  limiter.cost = math.min(limiter.cost or limiter.max_cost, MAX_COST)
  limiter.max_cost = math.max(limiter.max_cost, 1)
  for i = 1, #NUMBERS do limiter[NUMBERS[i]] = limiter[NUMBERS[i]] or 0 end
  limiter.version, limiter.slot_us = version, per_second and STRETCH * 1000000 / per_second
  limiter.spacing_us = limiter.slot_us or 0
  limiter.closed_until_us = math.min(limiter.closed_until_us, now_us + CLOSED_MAX_US)
  local back = limiter.last_call_us - now_us > STEP_US
  if back then follow_step_back(limiter) end
  if limiter.is_new_run or not knows_start or back then
    -- No start can have been lost before the first one. A store that lost everything is marked (install.lua).
    local is_new = not (limiter.known or redis.call('HGET', P .. 'metrics', 'reserved_slots'))
    limiter.start_us = math.max(limiter.start_us, is_new and 0 or now_us + HORIZON_US)
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
  if start_us > limiter.start_us then limiter.start_us = start_us end  -- without a rate, starts come in any order
  if cost > limiter.max_cost then limiter.max_cost = cost end
  limiter.cost, limiter.reserved = cost, limiter.reserved + cost
  limiter.free_us = next_slot(limiter)
end

-- Writes the limiter back, in a store with task types: before there is one, nothing starts.
local function save_limiter(limiter)
  if limiter.reserved > 0 then count('reserved_slots', limiter.reserved) end
  if not schema then return end
  limiter.start_us, limiter.last_call_us = math.ceil(limiter.start_us), now_us
  local fields = { 'server_run', limiter.server_run }
  for i = 1, #NUMBERS do
    local name = NUMBERS[i]
    if limiter[name] ~= limiter.stored[name] then
      fields[#fields + 1] = name
      fields[#fields + 1] = int(limiter[name])
    end
  end
  redis.call('HSET', P .. 'limiter', unpack(fields))
end
