-- Limits narrower than the global one, by type ("type:T") and by user ("user:U"): a TAT in us per limit, with a TTL that ends
-- when it is free, so a missing key means free. A small tolerance lets a limit use the slots of the global grid without loss:
-- L starts take at least L * 1.02 / L s - 10 ms of tolerance - 10 ms of jitter = 1 s.
local NARROW_TOLERANCE_US = 10000
local TAT_MAX_US = 40 * 86400000000  -- no limit is free again later than that
local tats, dirty = {}, {}
local born_us, stepped_us = 0, 0  -- of the limiter

-- Until when a handler shut a limit, us; 0 if none did. Read one by one: an API may shut out very many users.
local any_closed, closed = nil, {}
local function closed_until(narrow)
  if any_closed == nil then
    any_closed = redis.call('EXISTS', P .. 'closed') == 1
    if any_closed then redis.call('ZREMRANGEBYSCORE', P .. 'closed', '-inf', int(now_us)) end
  end
  if not any_closed then return 0 end
  local until_us = closed[narrow]
  if not until_us then
    until_us = tonumber(redis.call('ZSCORE', P .. 'closed', narrow)) or 0
    if until_us > now_us + 2 * CLOSED_MAX_US then
      note('closed ' .. narrow, 'was no instant, removed', true)
      redis.call('ZREM', P .. 'closed', narrow)
      until_us = 0
    end
    closed[narrow] = until_us
  end
  return until_us
end

-- A TAT carries how far the clock had been set back when it was written, if ever, and moves by what came since.
local function narrow_tat(narrow, per_cost_us)
  local tat = tats[narrow]
  if not tat then
    local text = redis.call('GET', P .. 'ratelimit:' .. narrow)
    local value, stepped = string.match(text or '', '^(%d+)|?(%d*)$')
    tat = whole(value)
    tat = tat and tat - stepped_us + (whole(stepped) or 0)
    if text and not (tat and tat < now_us + TAT_MAX_US) then
      note('ratelimit:' .. narrow)
      redis.call('UNLINK', P .. 'ratelimit:' .. narrow)
      tat = now_us  -- the worst: it was free for the last start just now
    end
    tat = math.max(tat or born_us + per_cost_us, closed_until(narrow))
    tats[narrow] = tat
  end
  return tat
end

local function book_narrow(narrow, per_cost_us, start_us, cost)
  tats[narrow] = math.max(tats[narrow], start_us) + per_cost_us * cost
  dirty[narrow] = true
end

-- Keeps a limit shut until until_us, for all workers (a handler was told so by the API), and says when it is free.
local function close_narrow(narrow, until_us)
  until_us = math.min(until_us, now_us + CLOSED_MAX_US)
  closed[narrow] = math.max(closed_until(narrow), until_us)
  any_closed = true
  redis.call('ZADD', P .. 'closed', 'GT', int(until_us), narrow)
  tats[narrow] = math.max(narrow_tat(narrow, 0), until_us)
  return tats[narrow]
end

local function flush_narrow()
  local stepped = stepped_us > 0 and '|' .. int(stepped_us) or ''
  for narrow in pairs(dirty) do
    local ttl_ms = math.ceil((tats[narrow] + NARROW_TOLERANCE_US - now_us) / 1000)
    if ttl_ms > 0 then redis.call('SET', P .. 'ratelimit:' .. narrow, int(math.ceil(tats[narrow])) .. stepped, 'PX', ttl_ms) end
  end
end

local function park(job, narrow, free_us)
  redis.call('ZADD', P .. 'parked:' .. narrow, job.due, job.name)
  redis.call('ZADD', P .. 'wake', 'GT', int(math.ceil(free_us)), narrow)
  note_move(job)
end
