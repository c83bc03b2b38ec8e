-- Limits as a call sees them. A job takes from a path of Release limits (its queue's, the one around it, ..., the global
-- one) and from its type's User limits: from all of them or from none.
--   start = max(now, due, free time of each limit)    TAT = max(TAT, start) + cost * spacing
--   free time = TAT - tolerance                       of a bucket of B starts: TAT - (B - cost) * spacing
-- So at most B + rate * t starts lie in any time t. A limit on the global limit's grid, or on that of the limit that it is
-- within, starts up to TOLERANCE_US before its TAT, and its spacing is 1.02 / rate for it: L + 1 starts take at least
-- L * 1.02 / L s - 10 ms of tolerance - 10 ms between start and arrival = 1 s. A bucket pays for the way from start to
-- arrival once, by SLACK_US.
--
-- `tats`: Release limit -> TAT, us; `tats:NAME`: user -> TAT at a User limit. No TAT: the limit is free, its bucket full.
local TTL_MAX_US = 1e16
local limits, written = {}, {}       -- by name: limits of this call; by key: those whose TAT is to be written
local any_closed, closed = nil, {}

-- Returns until when a handler closed a limit (us); 0: open. Read one by one: an API may refuse very many users.
local function closed_until(name)
  if any_closed == nil then
    any_closed = redis.call('EXISTS', P .. 'limits_closed_until') == 1
    if any_closed then redis.call('ZREMRANGEBYSCORE', P .. 'limits_closed_until', '-inf', int(now_us)) end
  end
  if not any_closed then return 0 end
  local until_us = closed[name]
  if not until_us then
    until_us = tonumber(redis.call('ZSCORE', P .. 'limits_closed_until', name)) or 0
    if until_us > now_us + 2 * CLOSED_MAX_US then
      note('limits_closed_until ' .. name, 'was no instant, removed', true)
      redis.call('ZREM', P .. 'limits_closed_until', name)
      until_us = 0
    end
    closed[name] = until_us
  end
  return until_us
end

-- Has the TAT of a limit written at the end of the call.
local function write_tat(limit)
  local changed = written[limit.key] or {}
  changed[limit.member], written[limit.key] = limit, changed
end

local find_limit, find_user_limit
do
  -- Reads a limit. A new rate holds at once: no TAT lies further ahead than its starts can have put it.
  --   key, member   place of its TAT;  spacing_us: between starts;  tolerance_us, burst: see above
  --   within        the limit around it; nil for the global limit, and for User limits
  --   depth         number of limits around it
  local function read_limit(name, key, member, spacing_us, burst, tolerance_us, within)
    local limit = {
      name = name, key = key, member = member, spacing_us = spacing_us, burst = burst, tolerance_us = tolerance_us,
      within = within, depth = within and within.depth + 1 or 0, closed_us = closed_until(name), tat_us = 0,
    }
    if spacing_us > 0 then
      local tat_us = tonumber(redis.call('ZSCORE', P .. key, member))
      local last_us = now_us + HORIZON_US + math.max(burst, limits[GLOBAL].max_cost) * spacing_us
      limit.tat_us = tat_us or limits[GLOBAL].first_seen_us + burst * spacing_us
      if limit.tat_us > last_us then  -- of a slower rate
        limit.tat_us = last_us
        write_tat(limit)
      end
    end
    limit.free_us = math.max(limit.tat_us - tolerance_us, limit.closed_us)
    return limit
  end

  local function spacing_of(values, stretch) return stretch * 1000000 / values.per_second end

  local function read_release_limit(name)
    local root, type_name = limits[GLOBAL], string.match(name, '^type:(.+)$')
    if type_name then
      local task_type = find_type(type_name)
      local own = queue_of(type_name) == name and task_type
      local within = find_limit(own and task_type.release or GLOBAL)
      return read_limit(name, 'tats', name, own and own.type_us or 0, 1, TOLERANCE_US, within)
    end
    local definition = find_definition(name)
    if not definition or definition.key ~= 'R' then
      return read_limit(name, 'tats', name, 0, 1, 0, root)
    end
    local within = find_limit(definition.within or GLOBAL)
    local alone = within == root and root.slot_us == 0  -- on no other limit's grid
    local values = find_values(definition)
    local spacing_us = spacing_of(values, alone and STRETCH or OWN_STRETCH)
    return read_limit(name, 'tats', name, spacing_us, values.burst, alone and 0 or TOLERANCE_US, within)
  end

  -- Returns a Release limit. limits[GLOBAL] is the limiter. A cycle ends at the global limit.
  function find_limit(name)
    if not limits[name] then
      limits[name] = limits[GLOBAL]
      limits[name] = read_release_limit(name)
    end
    return limits[name]
  end

  -- Returns a User limit as it holds for a user, who may have values of their own: `limits:NAME`, user -> PER_SECOND|BURST.
  local any_values = {}
  function find_user_limit(definition, user)
    local name, limit = definition.name .. '|' .. user, nil
    limit = limits[name]
    if limit then return limit end
    local key, values = 'limits:' .. definition.name, find_values(definition)
    if any_values[key] == nil then any_values[key] = redis.call('EXISTS', P .. key) == 1 end
    local text = any_values[key] and redis.call('HGET', P .. key, user)
    if text then
      local rate, burst = string.match(text, '^([^|]+)|(%d+)$')
      rate, burst = per_second(rate), whole(burst)
      if rate and burst and burst > 0 then
        values = { per_second = rate, burst = burst }
      else
        note(key .. ' ' .. user)
      end
    end
    limit = read_limit(name, 'tats:' .. definition.name, user, spacing_of(values, OWN_STRETCH), values.burst, TOLERANCE_US)
    limits[name] = limit
    return limit
  end
end

-- Returns a limit that admits nothing for a while.
local function shut_limit(name, for_us)
  local free_us = now_us + for_us
  return { name = name, burst = 1, spacing_us = 0, tolerance_us = 0, tat_us = 0, closed_us = free_us, free_us = free_us }
end

-- Returns the limits that a job takes from besides its queue's path.
local function limits_beside(job, task_type, queue)
  local found, by_type = {}, 'type:' .. job.type
  if queue.name ~= by_type and closed_until(by_type) > now_us then found[1] = find_limit(by_type) end
  for _, definition in ipairs(task_type.users) do found[#found + 1] = find_user_limit(definition, job.user) end
  return found
end

-- Returns the cost of a job's start, or of a permit.
local function cost_of(job)
  local task_type = job.type and find_type(job.type)
  return job.cost or task_type and task_type.cost or 1
end

-- Returns when a limit has a start left for a job.
local function free_at(limit, job)
  if limit.burst == 1 then return limit.free_us end
  local cost = cost_of(job)
  if limit.burst <= cost then return limit.free_us end
  local ahead_us = math.max(limit.tolerance_us, (limit.burst - cost) * limit.spacing_us - SLACK_US)
  return math.max(limit.tat_us - ahead_us, limit.closed_us)
end

-- Returns the earliest start that a queue's path has left for a job, the global limit excepted.
local function own_start(limit, job)
  local start_us = 0
  while limit.within do
    local free_us = limit.burst == 1 and limit.free_us or free_at(limit, job)
    if free_us > start_us then start_us = free_us end
    limit = limit.within
  end
  return start_us
end

-- Returns the earliest start that all limits on a queue's path have left for a job.
local function path_start(limit, job) return math.max(now_us, limits[GLOBAL].free_us, own_start(limit, job)) end

-- Returns the innermost limit that the paths of two queues have in common.
local function common_limit(one, other)
  while one ~= other do
    if one.depth >= other.depth then one = one.within else other = other.within end
  end
  return one
end

-- Reserves a start of one limit.
local function book(limit, start_us, cost)
  if limit.spacing_us == 0 then return end
  limit.tat_us = math.max(limit.tat_us, start_us) + cost * limit.spacing_us
  limit.free_us = math.max(limit.tat_us - limit.tolerance_us, limit.closed_us)
  write_tat(limit)
end

-- Reserves a start of every limit on a queue's path.
local function reserve_path(limit, start_us, cost)
  while limit.within do
    book(limit, start_us, cost)
    limit = limit.within
  end
  reserve(limit, start_us, cost)
end

-- Tells whether a queue's path holds a limit.
local function is_on_path(queue, limit)
  while queue.within and queue ~= limit do queue = queue.within end
  return queue == limit
end

local limits_to_close
do
  local REFUSED_USERS, REFUSED_MS = 3, 1000

  -- Tells whether an API refuses not one user but all: REFUSED_USERS within REFUSED_MS. `refused:LIMIT`: user -> when, ms.
  local function is_refused_to_all(limit, user)
    local key = P .. 'refused:' .. limit.name
    redis.call('ZADD', key, now, user)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - REFUSED_MS)
    redis.call('PEXPIRE', key, REFUSED_MS)
    return redis.call('ZCARD', key) >= REFUSED_USERS
  end

  -- Returns the limit of this name from which a job takes; nil if there is none.
  local function find_named(job, task_type, name)
    for _, definition in ipairs(task_type.users) do
      if definition.name == name then return find_user_limit(definition, job.user) end
    end
    local limit = find_limit(queue_of(job.type))
    while limit.within and limit.name ~= name do limit = limit.within end
    return limit.name == name and limit or name == 'type:' .. job.type and find_limit(name) or nil
  end

  -- Returns the limits to close for a job whose handler was refused: the one that the handler named, else the type's first
  -- User limit for this user, and its innermost Release limit without one, or once all users are refused. A type without
  -- limits by name waits as a whole.
  function limits_to_close(job, name)
    local task_type, own = find_type(job.type), 'type:' .. job.type
    if not task_type then return { find_limit(own) } end
    queue_of(job.type)
    local named = name ~= '' and find_named(job, task_type, name)
    if named then return { named } end
    local shared, definition = find_limit(task_type.release ~= GLOBAL and task_type.release or own), task_type.users[1]
    if not definition then return { shared } end
    local found = { find_user_limit(definition, job.user) }
    if is_refused_to_all(shared, job.user) then found[2] = shared end
    return found
  end
end

-- Returns the time between the calls of a job: that of the slowest limit that does not have them all at once.
local function spacing_of_calls(queue, beside, cost)
  local spacing_us, limit = 0, queue
  while limit do
    if limit.burst < cost then spacing_us = math.max(spacing_us, limit.spacing_us) end
    limit = limit.within
  end
  for _, one in ipairs(beside) do
    if one.burst < cost then spacing_us = math.max(spacing_us, one.spacing_us) end
  end
  return spacing_us
end

-- Closes a limit until until_us for all workers, as the API told a handler.
local function close_limit(limit, until_us)
  until_us = math.min(until_us, now_us + CLOSED_MAX_US)
  any_closed = true
  closed[limit.name] = math.max(closed_until(limit.name), until_us)
  limit.closed_us = closed[limit.name]
  limit.free_us = math.max(limit.free_us, limit.closed_us)
  redis.call('ZADD', P .. 'limits_closed_until', 'GT', int(until_us), limit.name)
end

-- Writes the TATs that changed, and forgets those that passed. A key lives as long as its last TAT.
local function flush_limits()
  for key, changed in pairs(written) do
    local rows = {}
    for member, limit in pairs(changed) do
      rows[#rows + 1] = int(math.ceil(limit.tat_us))
      rows[#rows + 1] = member
    end
    redis.call('ZADD', P .. key, unpack(rows))
    redis.call('ZREMRANGEBYSCORE', P .. key, '-inf', int(now_us))
    local last_us = tonumber(redis.call('ZRANGE', P .. key, -1, -1, 'WITHSCORES')[2]) or 0
    local ttl_us = math.min(last_us - now_us, TTL_MAX_US)
    if ttl_us > 0 then redis.call('PEXPIRE', P .. key, int(math.ceil(ttl_us / 1000))) end
  end
end

-- Parks a job of a queue until a limit outside the queue's path is free.
local function park(job, queue, limit)
  local member, free_us = queue .. '|' .. limit.name, free_at(limit, job)
  count_parked(queue, redis.call('ZADD', P .. 'parked:' .. member, job.due, job.name))
  redis.call('ZADD', P .. 'limits_free_at', 'GT', int(math.ceil(free_us)), member)
  note_move(job)
end
