-- Lanes: ready jobs by priority. They share the starts by weight; an empty lane's share goes to the rest.

-- Draws turns for at most `most` jobs from lanes with `left` jobs each. Returns the lanes in their order, the positions
-- in TURNS after them, and the number of turns of each lane.
local function draw_turns(left, most, position)
  local turns, positions, quota = {}, {}, {}
  for i in ipairs(LANES) do quota[i] = 0 end
  while #turns < most do
    local lane = TURNS[position + 1]
    position = (position + 1) % #TURNS
    if quota[lane] < left[lane] then
      quota[lane] = quota[lane] + 1
      turns[#turns + 1] = lane
      positions[#positions + 1] = position
    end
  end
  return turns, positions, quota
end

-- Returns the next due jobs that fit between start_us and the horizon, at most `most`, taken from the lanes in the order
-- of TURNS (taskqueue.plan.lanes) and then sorted by due. Only jobs whose costs fit are taken: of more, the oldest would
-- start, and a lane of old jobs would starve the others.
local function pick(call, most, start_us)
  local limiter, soon, left, total = call.limiter, now + EARLY_US / 1000, {}, 0
  for i, lane in ipairs(LANES) do
    left[i] = math.min(most, redis.call('ZCOUNT', P .. 'ready:' .. lane, '-inf', soon))
    total = total + left[i]
  end
  local turns, positions, quota = draw_turns(left, math.min(most, total), limiter.lane_position % #TURNS)
  local rows, taken, picked = {}, {}, {}
  for i, lane in ipairs(LANES) do
    taken[i] = 0
    if quota[i] > 0 then
      rows[i] = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. lane, '-inf', soon, 'WITHSCORES', 'LIMIT', 0, quota[i])
    end
  end
  for k, lane in ipairs(turns) do
    if start_us > call.horizon_us then break end
    local row = taken[lane] * 2
    local job = parse(rows[lane][row + 1])
    job.score, job.lane, job.rank = tonumber(rows[lane][row + 2]), lane, k
    picked[#picked + 1] = job
    taken[lane] = taken[lane] + 1
    limiter.lane_position = positions[k]
    local task_type = not job.malformed and find_type(job.type)
    start_us = start_us + (task_type and task_type.cost or 0) * limiter.slot_us
  end
  -- Ties keep their order, so that the jobs taken from a lane are always its first ones. One lane is sorted already.
  if #picked == (picked[1] and taken[picked[1].lane] or 0) then return picked end
  table.sort(picked, function(a, b) return a.score < b.score or (a.score == b.score and a.rank < b.rank) end)
  return picked
end

-- Examines a picked job. Returns 1 if it leaves the head of its lane, 0 if it stays in the lane: the type's priority may
-- have changed, and the job with it.
local function take_ready(call, job, start_us)
  local key = 'ready:' .. LANES[job.lane]
  local outcome, limit = admit(call, job, math.max(start_us, job.score * 1000), key)
  if outcome == 'deferred' then
    redis.call('ZADD', P .. key, now + 1000, job.name)
    return 0
  end
  if outcome == 'parked' then park(job, limit, tats[limit] - LIMIT_TOLERANCE_US) end
  return 1
end
