-- permit: reserves slots for a running job that calls an API again.
-- KEYS  1 prefix
-- ARGV  1 cost (slots)  2 lease ms  3 type  4 user  5 a limit by name, or '' for all limits of the type
-- Output  [now us, 1, us until the first slot], or [now us, 0, us until it makes sense to ask again]
-- uses: base types definitions queues limiter limits paths
local UNKNOWN_US = 1000000
local limiter = load_limiter(tonumber(ARGV[2]))
limits[GLOBAL] = limiter
local job = { type = ARGV[3], user = ARGV[4], cost = math.min(math.max(whole(ARGV[1]) or MAX_COST, 1), MAX_COST) }

-- Returns the queue whose path is booked, and further limits; nil if a limit is unknown.
local function limits_to_take()
  if ARGV[5] == '' or ARGV[5] == GLOBAL then
    local task_type = ARGV[5] == '' and find_type(job.type)
    if not task_type or task_type.malformed then return limiter, {} end
    local queue = find_limit(queue_of(job.type))
    return not task_type.unknown and queue, limits_beside(job, task_type, queue)
  end
  local definition = find_definition(ARGV[5])
  local _, unknown = lineage_of(ARGV[5])
  if unknown then return end
  if definition.key == 'R' then return find_limit(ARGV[5]), {} end
  return find_limit(definition.within or GLOBAL), { find_user_limit(definition, job.user) }
end

local queue, beside = limits_to_take()
local answer
if not limiter.slot_us or not queue then
  answer = { now_us, 0, UNKNOWN_US }
else
  local start_us = path_start(queue, job)
  for _, limit in ipairs(beside) do start_us = math.max(start_us, free_at(limit, job)) end
  if start_us - now_us > HORIZON_US then
    answer = { now_us, 0, math.floor(math.min(start_us - now_us - HORIZON_US / 2, CLOSED_MAX_US)) }
  else
    reserve_path(queue, start_us, job.cost)
    for _, limit in ipairs(beside) do book(limit, start_us, job.cost) end
    answer = { now_us, 1, math.floor(start_us - now_us) }
  end
end
flush_limits()
save_limiter(limiter)
flush_counts()
return answer
