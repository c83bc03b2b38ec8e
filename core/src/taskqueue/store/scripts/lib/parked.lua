-- Parked jobs: each waits for a limit, in the order of the dues. `limits_free_at`: limit -> when its next job can start.

-- Puts a limit into the list of those that are free within the horizon, soonest first.
local function wait_for(waiting, limit, free_us)
  local i = #waiting + 1
  while i > 1 and waiting[i - 1].free > free_us do i = i - 1 end
  table.insert(waiting, i, { limit = limit, free = free_us })
end

-- Returns the limits with parked jobs that are free within the horizon.
local function list_waiting(call)
  local rows, waiting = redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '-inf', int(call.horizon_us),
    'WITHSCORES', 'LIMIT', 0, call.max_jobs), {}
  for i = 1, #rows, 2 do waiting[#waiting + 1] = { limit = rows[i], free = tonumber(rows[i + 1]) } end
  return waiting
end

-- Forgets a limit without parked jobs.
local function forget_limit(limit)
  redis.call('ZREM', P .. 'limits_free_at', limit)
  if not string.find(limit, '^type:.') and not string.find(limit, '^user:.') then
    note('limits_free_at ' .. limit, 'was no limit, removed', true)
  end
end

-- Examines the first job of the first waiting limit.
local function take_parked(call, waiting, start_us)
  local entry = table.remove(waiting, 1)
  local limit, key = entry.limit, P .. 'parked:' .. entry.limit
  local name = redis.call('ZRANGE', key, 0, 0)[1]
  if name then
    local job = parse(name)
    local outcome, other = admit(call, job, math.max(start_us, entry.free), 'parked:' .. limit)
    if outcome == 'deferred' then
      make_ready(job, now + 1000)
    elseif outcome == 'parked' and other ~= limit then
      park(job, other, tats[other] - LIMIT_TOLERANCE_US)
    end
    if other ~= limit then redis.call('ZREM', key, name) end
  end
  if redis.call('EXISTS', key) == 0 then return forget_limit(limit) end
  local free_us = tats[limit] and tats[limit] - LIMIT_TOLERANCE_US or entry.free
  redis.call('ZADD', P .. 'limits_free_at', int(math.ceil(free_us)), limit)
  if free_us <= call.horizon_us then wait_for(waiting, limit, free_us) end
end
