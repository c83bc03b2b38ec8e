-- Queues of ready jobs. A queue is named for the innermost limit of the release that its jobs take from: a limit by
-- name, `type:TYPE` where the type has a limit of its own, or `global`. It has a sorted set for each lane,
-- `ready:QUEUE:LANE`. Two indexes tell when a lane can start a job, so that a call looks at no other lane:
--   lanes_busy   QUEUE:LANE -> earliest start of a job that is due, us
--   lanes_due    QUEUE:LANE -> next due of a lane without a due job, us
local announced = {}

-- Enters a lane into the index for a job that is ready at at_us. A busy lane is looked at anyway, and no sooner.
local function announce(lane, at_us)
  if announced[lane] and announced[lane] <= at_us then return end
  announced[lane] = at_us
  if redis.call('ZSCORE', P .. 'lanes_busy', lane) then return end
  redis.call('ZADD', P .. 'lanes_due', 'LT', at_us, lane)
end

-- Has every busy lane looked at now: a limit was opened, or its rate was changed.
local function look_again()
  for _, lane in ipairs(redis.call('ZRANGE', P .. 'lanes_busy', 0, -1)) do
    redis.call('ZADD', P .. 'lanes_busy', 'LT', now_us, lane)
  end
end

-- Counts jobs that are parked, or are so no longer: `parked_jobs`, queue -> number. Below 0 a count begins again at 0.
local function count_parked(queue, by)
  if by == 0 or redis.call('HINCRBY', P .. 'parked_jobs', queue, by) > 0 then return end
  redis.call('HDEL', P .. 'parked_jobs', queue)
end

-- Returns the queue of a type's jobs. Jobs of a type that does not exist end when they are examined.
local function queue_of(type_name)
  local task_type = find_type(type_name)
  if not task_type then return GLOBAL end
  if not task_type.queue then resolve_limits(task_type, type_name) end
  return task_type.queue
end

-- Returns the lane of a type's queue, by default that of the type's priority.
local function lane_of(type_name, priority)
  local task_type = find_type(type_name)
  return queue_of(type_name) .. ':' .. (priority or task_type and task_type.lane or DEFAULT_LANE)
end

-- Puts a job into a lane of its type's queue, by default into the lane of the type's priority.
local function push(job, score, priority)
  local lane = lane_of(job.type, priority)
  redis.call('ZADD', P .. 'ready:' .. lane, score, job.name)
  announce(lane, score * 1000)
end
