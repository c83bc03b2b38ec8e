-- Limits of a type ("type:TYPE") and of a user ("user:USER"), besides the global one. The limit of a type is on the
-- path of the type's queue (lib/queues.lua); jobs that wait for a user's limit, or for a closed limit, are parked.
-- `limit:LIMIT` holds the TAT of a limit (us) and expires when the limit is free; a missing key means free. Their
-- starts lie on the global limit's grid, up to LIMIT_TOLERANCE_US before the TAT: L + 1 starts take at least L * 1.02
-- / L s - 10 ms of tolerance - 10 ms between start and arrival = 1 s.
local LIMIT_TOLERANCE_US = 10000
local TAT_MAX_US = 40 * 86400000000  -- a TAT further ahead is malformed
local tats, dirty = {}, {}                   -- by limit: TAT (us); whether it must be written
local first_seen_us, stepped_back_us = 0, 0  -- of the global limiter

-- Returns until when a handler closed a limit (us); 0: open. Read one by one: an API may refuse very many users.
local any_closed, closed = nil, {}
local function closed_until(limit)
  if any_closed == nil then
    any_closed = redis.call('EXISTS', P .. 'limits_closed_until') == 1
    if any_closed then redis.call('ZREMRANGEBYSCORE', P .. 'limits_closed_until', '-inf', int(now_us)) end
  end
  if not any_closed then return 0 end
  local until_us = closed[limit]
  if not until_us then
    until_us = tonumber(redis.call('ZSCORE', P .. 'limits_closed_until', limit)) or 0
    if until_us > now_us + 2 * CLOSED_MAX_US then
      note('limits_closed_until ' .. limit, 'was no instant, removed', true)
      redis.call('ZREM', P .. 'limits_closed_until', limit)
      until_us = 0
    end
    closed[limit] = until_us
  end
  return until_us
end

-- Returns the TAT of a limit. It is stored as US or US|STEPPED_BACK_US, and moves back with the steps of the clock
-- since.
local function limit_tat(limit, per_cost_us)
  local tat = tats[limit]
  if not tat then
    local text = redis.call('GET', P .. 'limit:' .. limit)
    local value, stepped = string.match(text or '', '^(%d+)|?(%d*)$')
    tat = whole(value)
    tat = tat and tat - stepped_back_us + (whole(stepped) or 0)
    if text and not (tat and tat < now_us + TAT_MAX_US) then
      note('limit:' .. limit)
      redis.call('UNLINK', P .. 'limit:' .. limit)
      tat = now_us  -- the worst case: its last start was just now
    end
    tat = math.max(tat or first_seen_us + per_cost_us, closed_until(limit))
    tats[limit] = tat
  end
  return tat
end

-- Reserves a start of a limit.
local function reserve_limit(limit, per_cost_us, start_us, cost)
  tats[limit] = math.max(tats[limit], start_us) + per_cost_us * cost
  dirty[limit] = true
end

-- Closes a limit until until_us for all workers, as the API told a handler. Returns when it is free (us).
local function close_limit(limit, until_us)
  until_us = math.min(until_us, now_us + CLOSED_MAX_US)
  closed[limit] = math.max(closed_until(limit), until_us)
  any_closed = true
  redis.call('ZADD', P .. 'limits_closed_until', 'GT', int(until_us), limit)
  tats[limit] = math.max(limit_tat(limit, 0), until_us)
  return tats[limit]
end

-- Returns the limits of the release that the jobs of a queue take from, the global one excepted, innermost first.
local function limits_of(queue)
  local type_name = string.match(queue, '^type:(.+)$')
  local task_type = type_name and find_type(type_name)
  if not task_type or task_type.queue ~= queue then return {} end
  return { { name = queue, spacing_us = task_type.type_us } }
end

-- Returns when the limits of a queue are free, the global one excepted; remembered until a start is reserved.
local function free_of(queue)
  if queue.free_us then return queue.free_us end
  local free_us = 0
  for _, limit in ipairs(queue.limits) do
    free_us = math.max(free_us, limit_tat(limit.name, limit.spacing_us) - LIMIT_TOLERANCE_US)
  end
  queue.free_us = free_us
  return free_us
end

-- Returns the earliest start that all limits on the path of a queue have left.
local function path_start(call, queue) return math.max(now_us, call.limiter.tat_us, free_of(queue)) end

-- Reserves a start of every limit on the path of a queue.
local function reserve_path(call, queue, start_us, cost)
  for _, limit in ipairs(queue.limits) do reserve_limit(limit.name, limit.spacing_us, start_us, cost) end
  queue.free_us = nil
  reserve(call.limiter, start_us, cost)
end

-- Writes the TATs that changed.
local function flush_limits()
  local stepped = stepped_back_us > 0 and '|' .. int(stepped_back_us) or ''
  for limit in pairs(dirty) do
    local ttl_ms = math.ceil((tats[limit] + LIMIT_TOLERANCE_US - now_us) / 1000)
    if ttl_ms > 0 then
      redis.call('SET', P .. 'limit:' .. limit, int(math.ceil(tats[limit])) .. stepped, 'PX', ttl_ms)
    end
  end
end

-- Parks a job of a queue until a limit outside the queue's path is free.
local function park(job, queue, limit, free_us)
  local member = queue .. '|' .. limit
  redis.call('ZADD', P .. 'parked:' .. member, job.due, job.name)
  redis.call('ZADD', P .. 'limits_free_at', 'GT', int(math.ceil(free_us)), member)
  note_move(job)
end
