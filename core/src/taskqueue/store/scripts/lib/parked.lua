-- Parked jobs: each waits for a limit outside the path of its queue, in the order of the dues: `parked:QUEUE|LIMIT`.
-- `limits_free_at`: QUEUE|LIMIT -> when its next job can start.
local MAX_PARKED = 64  -- limits looked at in a call

-- Returns the limits with parked jobs that are free within the horizon.
local function list_parked(call)
  local rows, parked = redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '-inf', int(call.horizon_us),
    'WITHSCORES', 'LIMIT', 0, MAX_PARKED), {}
  for i = 1, #rows, 2 do
    local queue, limit = string.match(rows[i], '^([^|]*)|(.*)$')
    parked[#parked + 1] = {
      member = rows[i], limit = limit, free_us = tonumber(rows[i + 1]), queue = queue and find_queue(call, queue),
    }
    if not queue then
      redis.call('ZREM', P .. 'limits_free_at', rows[i])
      note('limits_free_at ' .. rows[i], 'was no limit, removed', true)
      table.remove(parked)
    end
  end
  return parked
end

-- Examines the first job of a limit, to start at start_us.
local function take_parked(call, entry, start_us)
  local key = P .. 'parked:' .. entry.member
  local name = redis.call('ZRANGE', key, 0, 0)[1]
  if name then
    local job = parse(name)
    local outcome, limit = admit(call, entry.queue, job, start_us, 'parked:' .. entry.member)
    if outcome == 'deferred' then
      call.moved[#call.moved + 1] = { job, now + 1000 }
    elseif outcome == 'moved' then
      call.moved[#call.moved + 1] = { job, job.due }
    elseif outcome == 'parked' and limit ~= entry.limit then
      park(job, entry.queue.name, limit, tats[limit] - LIMIT_TOLERANCE_US)
    end
    if limit ~= entry.limit then redis.call('ZREM', key, name) end
  end
  entry.gone = redis.call('EXISTS', key) == 0
  if entry.gone then return redis.call('ZREM', P .. 'limits_free_at', entry.member) end
  entry.free_us = tats[entry.limit] and tats[entry.limit] - LIMIT_TOLERANCE_US or entry.free_us
  redis.call('ZADD', P .. 'limits_free_at', int(math.ceil(entry.free_us)), entry.member)
end

-- Writes when the limits can start a job whose queue has no start left before.
local function close_parked(call, parked)
  for _, entry in ipairs(parked) do
    local start_us = not entry.gone and path_start(call, entry.queue) or 0
    if start_us > math.max(entry.free_us, call.horizon_us) then
      redis.call('ZADD', P .. 'limits_free_at', int(math.ceil(start_us)), entry.member)
    end
  end
end
