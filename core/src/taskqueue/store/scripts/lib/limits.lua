-- Limits of a type ("type:TYPE") and of a user ("user:USER"), besides the global one. `limit:LIMIT` holds the TAT of a
-- limit (us) and expires when the limit is free; a missing key means free. Their starts lie on the global limit's grid,
-- up to LIMIT_TOLERANCE_US before the TAT: L + 1 starts take at least L * 1.02 / L s - 10 ms of tolerance - 10 ms
-- between start and arrival = 1 s.
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

-- Parks a job until its limit is free.
local function park(job, limit, free_us)
  redis.call('ZADD', P .. 'parked:' .. limit, job.due, job.name)
  redis.call('ZADD', P .. 'limits_free_at', 'GT', int(math.ceil(free_us)), limit)
  note_move(job)
end
