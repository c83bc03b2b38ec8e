-- Paths of limits: when a queue's path has a start left, and the reservation of starts; lib/limits.lua has the
-- formulas.

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
  local tat_us = (start_us > limit.tat_us and start_us or limit.tat_us) + cost * limit.spacing_us
  local free_us = tat_us - limit.tolerance_us
  limit.tat_us, limit.free_us = tat_us, free_us > limit.closed_us and free_us or limit.closed_us
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

-- Returns the time between the slots of a job whose cost is above 1; nil under several limits, where the slots of each
-- lie at other instants: a call that waits for one limit would come late at the others, too early for the next job.
local function spacing_of_slots(queue, beside, cost)
  local path, holding, spacing_us = { unpack(beside) }, 0, 0
  while queue do
    path[#path + 1], queue = queue, queue.within
  end
  for _, limit in ipairs(path) do
    if limit.spacing_us > 0 then
      holding, spacing_us = holding + 1, limit.burst < cost and math.ceil(limit.spacing_us) or 0
    end
  end
  return holding <= 1 and spacing_us or nil
end

-- Writes changed TATs, and removes past ones.
local function flush_limits()
  for key, changed in pairs(written) do
    local rows = {}
    for member, limit in pairs(changed) do
      rows[#rows + 1] = math.ceil(limit.tat_us)
      rows[#rows + 1] = member
    end
    redis.call('ZADD', P .. key, unpack(rows))
    redis.call('ZREMRANGEBYSCORE', P .. key, '-inf', now_us)
    expire_tats(key)
  end
end

-- Parks a job of a queue until a limit outside the queue's path is free.
local function park(job, queue, limit)
  local member, free_us = queue .. '|' .. limit.name, free_at(limit, job)
  count_parked(queue, redis.call('ZADD', P .. 'parked:' .. member, job.due, job.name))
  redis.call('ZADD', P .. 'limits_free_at', 'GT', math.ceil(free_us), member)
  add_rare('limits_free_at')
  note_move(job)
end
