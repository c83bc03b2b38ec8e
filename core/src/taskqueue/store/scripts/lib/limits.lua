-- Limits as a call sees them. A job takes from a path of Release limits (its queue's, the one around it, ..., the
-- global one) and from its type's User limits: from all of them or from none.
--   start = max(now, due, free time of each limit)    TAT = max(TAT, start) + cost * spacing
--   free time = TAT - tolerance                       of a bucket of B starts: TAT - (B - cost) * spacing
-- So at most B + rate * t starts lie in any time t. A limit within others starts on their grid, so up to one step of
-- that grid, and one start of its own, at most TOLERANCE_US, before its TAT, and its spacing is 1.02 / rate for it:
-- L + 1 starts take at least L * 1.02 / L s - 10 ms of tolerance - 10 ms between start and arrival = 1 s. A bucket pays
-- for the way from start to arrival once, by SLACK_US.
--
-- `tats`: Release limit -> TAT, us; `tats:NAME`: user -> TAT at a User limit. No TAT: the limit is free, its bucket
-- full.
local limits, written = {}, {}       -- by name: limits of this call; by key: those whose TAT is to be written
local any_closed, closed = nil, {}

-- Returns until when a handler closed a limit (us); 0: open. Read one by one: an API may refuse very many users.
local function closed_until(name)
  if any_closed == nil then
    any_closed = is_there('limits_closed_until')
    if any_closed then redis.call('ZREMRANGEBYSCORE', P .. 'limits_closed_until', '-inf', now_us) end
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
  if limit.is_written then return end
  limit.is_written = true
  local changed = written[limit.key] or {}
  changed[limit.member], written[limit.key] = limit, changed
end

local find_limit, find_user_limit
do
  -- Returns the time between the starts that a limit leaves to the limits within it; 0: any instant.
  local function grid_within(limit) return math.max(limit.grid_us, limit.spacing_us) end

  -- Reads a limit. A new rate holds at once: no TAT lies further ahead than its starts can have put it.
  --   key, member   place of its TAT;  spacing_us: between starts;  burst: see above
  --   around        the limit whose grid its starts lie on
  --   within        the limit around it; nil for the global limit, and for User limits
  --   depth         number of limits around it
  local function read_limit(name, key, member, spacing_us, burst, around, within)
    local grid_us = grid_within(around)
    local limit = {
      name = name, key = key, member = member, spacing_us = spacing_us, burst = burst,
      grid_us = grid_us, tolerance_us = math.min(grid_us, spacing_us, TOLERANCE_US),
      within = within, depth = within and within.depth + 1 or 0, closed_us = closed_until(name), tat_us = 0,
    }
    if spacing_us > 0 then
      local tat_us = tonumber(redis.call('ZSCORE', P .. key, member))
      local last_us = tat_us and now_us + HORIZON_US + math.max(burst, limits[GLOBAL].max_cost) * spacing_us
      limit.tat_us = tat_us or limits[GLOBAL].first_seen_us + burst * spacing_us
      if tat_us and tat_us > last_us then  -- of a slower rate
        limit.tat_us = last_us
        write_tat(limit)
      end
    end
    limit.free_us = math.max(limit.tat_us - limit.tolerance_us, limit.closed_us)
    return limit
  end

  local function spacing_of(values, around)
    return (grid_within(around) > 0 and OWN_STRETCH or STRETCH) * 1000000 / values.per_second
  end

  local function read_release_limit(name)
    local root, type_name = limits[GLOBAL], string.match(name, '^type:(.+)$')
    if type_name then
      local task_type = find_type(type_name)
      local own = queue_of(type_name) == name and task_type
      local within = find_limit(own and task_type.release or GLOBAL)
      return read_limit(name, 'tats', name, own and own.type_us or 0, 1, within, within)
    end
    local definition = find_definition(name)
    if not definition or definition.key ~= 'R' then
      return read_limit(name, 'tats', name, 0, 1, root, root)
    end
    local within = find_limit(definition.within or GLOBAL)
    local values = find_values(definition)
    return read_limit(name, 'tats', name, spacing_of(values, within), values.burst, within, within)
  end

  -- Returns a Release limit. limits[GLOBAL] is the limiter. A cycle ends at the global limit.
  function find_limit(name)
    if not limits[name] then
      limits[name] = limits[GLOBAL]
      limits[name] = read_release_limit(name)
    end
    return limits[name]
  end

  -- Returns a User limit as it holds for a user, who may have values of their own: `limits:NAME`, user ->
  -- PER_SECOND|BURST.
  local any_values = {}
  function find_user_limit(definition, user)
    local name = definition.name .. '|' .. user
    if limits[name] then return limits[name] end
    local values, own = find_values(definition), any_values[definition]
    if own == nil then
      own = redis.call('EXISTS', P .. 'limits:' .. definition.name) == 1
      any_values[definition] = own
    end
    local text = own and redis.call('HGET', P .. 'limits:' .. definition.name, user)
    if text then
      local read = read_values(string.match(text, '^([^|]+)|(%d+)$'))
      if not read then note('limits:' .. definition.name .. ' ' .. user) end
      values = read or values
    end
    local around = find_limit(definition.within or GLOBAL)
    limits[name] = read_limit(name, definition.tats, user, spacing_of(values, around), values.burst, around)
    return limits[name]
  end
end

-- Reads the global limit for a script that reserves no start, and returns its rate; nil: nothing starts.
local function read_root()
  local per_second = rate()
  limits[GLOBAL] = {
    name = GLOBAL, depth = 0, grid_us = 0, spacing_us = per_second and STRETCH * 1000000 / per_second or 0,
    max_cost = number_at('limiter', 'max_cost') or 1, first_seen_us = number_at('limiter', 'first_seen_us') or 0,
  }
  return per_second
end

-- Returns a limit that admits nothing for a while.
local function shut_limit(name, for_us)
  local free_us = now_us + for_us
  return { name = name, burst = 1, spacing_us = 0, tolerance_us = 0, tat_us = 0, closed_us = free_us, free_us = free_us }
end

-- Returns the limits that a job takes from besides its queue's path.
local function limits_beside(job, task_type, queue)
  local found = {}
  if any_closed ~= false then
    local by_type = 'type:' .. job.type
    if queue.name ~= by_type and closed_until(by_type) > now_us then found[1] = find_limit(by_type) end
  end
  for _, definition in ipairs(task_type.users) do found[#found + 1] = find_user_limit(definition, job.user) end
  return found
end

-- Returns the cost of a job's start, or of a permit.
local function cost_of(job)
  local task_type = job.type and find_type(job.type)
  return job.cost or task_type and task_type.cost or 1
end
