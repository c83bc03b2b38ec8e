-- Parked jobs: each waits for a limit outside the path of its queue, in the order of the dues: `parked:QUEUE|LIMIT`.
-- `limits_free_at`: QUEUE|LIMIT -> when its next job can start.
local MAX_PARKED = 64  -- limits looked at in a call

-- Returns the limits with parked jobs that are free within the horizon.
--   ready_us   when the limit is free;  own_us: when its queue's path is free, too, the global limit excepted
local function list_parked(call)
  if not is_there('limits_free_at') then return {} end
  local rows, parked = redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '-inf', call.horizon_us,
    'WITHSCORES', 'LIMIT', 0, MAX_PARKED), {}
  for i = 1, #rows, 2 do
    local queue, limit = string.match(rows[i], '^([^|]*)|(.*)$')
    if queue then
      local ready_us = tonumber(rows[i + 1])
      parked[#parked + 1] = {
        member = rows[i], limit = limit, queue = find_limit(queue), head = {}, ready_us = ready_us, own_us = ready_us,
      }
    else
      redis.call('ZREM', P .. 'limits_free_at', rows[i])
      note('limits_free_at ' .. rows[i], 'was no limit, removed', true)
    end
  end
  return parked
end

-- Reads the first job of a limit into entry.head; without one the head has no name.
local function read_parked(entry)
  local name = redis.call('ZRANGE', P .. 'parked:' .. entry.member, 0, 0)[1]
  entry.head = name and parse(name) or {}
end

-- Examines the first job of a limit, to start at start_us, unless the job costs more than its queue's path has left.
local function take_parked(call, entry, start_us)
  local limit = limits[entry.limit]
  if not entry.head.name then read_parked(entry) end
  local job = entry.head
  if job.name then
    if update_start(entry) > start_us then return end
    local outcome, other = admit(call, entry.queue, job, start_us, 'parked:' .. entry.member)
    if outcome == 'leased' then
      call.unparked = call.unparked + 1
    elseif outcome == 'deferred' then
      call.moved[#call.moved + 1] = { job, now + 1000 }
    elseif outcome == 'moved' then
      call.moved[#call.moved + 1] = { job, job.due }
    elseif outcome == 'parked' and other.name ~= entry.limit then
      park(job, entry.queue.name, other)
    end
    if outcome == 'parked' and other.name == entry.limit then
      limit = other
    else
      count_parked(entry.queue.name, -redis.call('ZREM', P .. 'parked:' .. entry.member, job.name))
      read_parked(entry)
    end
  end
  if not entry.head.name then
    entry.gone, entry.own_us = true, math.huge
    return redis.call('ZREM', P .. 'limits_free_at', entry.member)
  end
  limit = limit or limits[entry.limit]
  entry.ready_us = limit and free_at(limit, entry.head) or entry.ready_us
  update_start(entry)
  redis.call('ZADD', P .. 'limits_free_at', math.ceil(entry.ready_us), entry.member)
end

-- Writes when a limit can start a job whose queue has no start left before: a lower bound, as in close_lane.
local function close_parked(call, entry)
  local start_us = path_start(entry.queue, entry.head)
  if start_us > math.max(entry.ready_us, call.horizon_us) then
    redis.call('ZADD', P .. 'limits_free_at', math.floor(start_us), entry.member)
  end
end
