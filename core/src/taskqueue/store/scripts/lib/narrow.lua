-- Limits narrower than the global one, by type ("type:T") and by user ("user:U"): a TAT in us per limit, with a TTL that ends
-- when it is free, so a missing key means free. A small tolerance lets a limit use the slots of the global grid without loss:
-- L starts take at least L * 1.02 / L s - 10 ms of tolerance - 10 ms of jitter = 1 s.
local NARROW_TOLERANCE_US = 10000
local tats, dirty = {}, {}
local born_us = 0

local function narrow_tat(narrow, per_cost_us)
  local tat = tats[narrow]
  if not tat then
    tat = tonumber(redis.call('GET', P .. 'ratelimit:' .. narrow)) or (born_us + per_cost_us)
    tats[narrow] = tat
  end
  return tat
end

local function book_narrow(narrow, per_cost_us, start_us, cost)
  tats[narrow] = math.max(tats[narrow], start_us) + per_cost_us * cost
  dirty[narrow] = true
end

-- Keeps a limit shut until until_us, for all workers (a handler was told so by the API).
local function close_narrow(narrow, until_us)
  tats[narrow] = math.max(narrow_tat(narrow, 0), until_us)
  dirty[narrow] = true
  redis.call('ZADD', P .. 'closed', 'GT', int(until_us), narrow)
end

local function flush_narrow()
  for narrow in pairs(dirty) do
    local ttl_ms = math.ceil((tats[narrow] + NARROW_TOLERANCE_US - now_us) / 1000)
    if ttl_ms > 0 then redis.call('SET', P .. 'ratelimit:' .. narrow, int(math.ceil(tats[narrow])), 'PX', ttl_ms) end
  end
end

local function park(job, narrow, free_us)
  redis.call('ZADD', P .. 'parked:' .. narrow, job.due, job.name)
  redis.call('ZADD', P .. 'wake', 'GT', int(math.ceil(free_us)), narrow)
  note_move(job)
end
