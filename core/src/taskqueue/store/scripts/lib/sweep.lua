-- The sweep: books the open queues in the order of their starts. The job that can start first comes first; of
-- several, the lane whose turn it is, and there the oldest due. So the weights of the lanes hold within a queue, and
-- over all queues that share a limit without slots: the tolerance of their own limits puts their starts on its grid.
local take_jobs
do
  local MAX_LANES = 64  -- lanes of an index looked at in a call

  -- Opens the lanes whose jobs could start now: those with a due soon, and, at a beat, the busy ones. Returns busy lanes
  -- that are opened when their turn comes. Between two beats, half a horizon apart, busy lanes are left to the worker
  -- that was called for the next one: so a call takes half a horizon's worth or nothing, instead of a part for every idle
  -- worker that polls. No job starts later.
  local function list_lanes(call)
    local busy = redis.call('ZRANGEBYSCORE', P .. 'lanes_busy', '-inf', int(call.horizon_us),
      'WITHSCORES', 'LIMIT', 0, MAX_LANES)
    local due = redis.call('ZRANGEBYSCORE', P .. 'lanes_due', '-inf', int(now_us + EARLY_US), 'LIMIT', 0, MAX_LANES)
    call.beat = not busy[2] or tonumber(busy[2]) - call.reach_us / 2 <= now_us + PROMPT_US
    for _, name in ipairs(due) do open_lane(call, name, 'lanes_due') end
    local unopened = {}
    for i = call.beat and 1 or #busy + 1, #busy, 2 do unopened[#unopened + 1] = { busy[i], tonumber(busy[i + 1]) } end
    return unopened
  end

  -- Returns when the first job of all can start, after opening the busy lanes that could start one by then.
  local function first_start(call, unopened, parked)
    local first_us, tat_us, open = math.huge, math.max(now_us, call.limiter.tat_us), call.open
    for i = 1, #parked do
      local entry = parked[i]
      entry.start_us = entry.gone and math.huge or math.max(path_start(call, entry.queue), entry.free_us)
      if entry.start_us < first_us then first_us = entry.start_us end
    end
    local i = 1
    while i <= #open or unopened[1] and unopened[1][2] <= first_us do
      if i > #open then
        open_lane(call, table.remove(unopened, 1)[1], 'lanes_busy')
      else
        local lane, start_us = open[i], math.huge
        if lane.head then
          start_us = lane.queue.free_us or free_of(lane.queue)
          if start_us < tat_us then start_us = tat_us end
          if start_us < lane.due_us then start_us = lane.due_us end
        end
        lane.start_us = start_us
        if start_us < first_us then first_us = start_us end
        i = i + 1
      end
    end
    return first_us
  end

  -- Returns the lane whose turn it is among several with jobs that can start at start_us; of equal lanes of two queues,
  -- the one with the older due.
  local function draw(call, start_us)
    local oldest, queue = {}, nil
    for i = 1, #call.open do
      local lane = call.open[i]
      if lane.start_us <= start_us then
        local other = oldest[lane.priority]
        if not other or lane.due_us < other.due_us then oldest[lane.priority] = lane end
        queue = (not queue or queue == lane.queue) and lane.queue or find_queue(call, GLOBAL)
      end
    end
    local position = position_of(call, queue)
    for turn = position, position + #TURNS - 1 do
      local lane = oldest[TURNS[turn % #TURNS + 1]]
      if lane then
        set_position(call, queue, (turn + 1) % #TURNS)
        return lane
      end
    end
  end

  -- Returns the lane of the next job among those that can start at start_us.
  local function next_lane(call, start_us)
    local first
    for i = 1, #call.open do
      local lane = call.open[i]
      if lane.start_us <= start_us then
        if first then return draw(call, start_us) end
        first = lane
      end
    end
    return first
  end

  -- Returns a parked limit that can start a job at start_us.
  local function next_parked(parked, start_us)
    for i = 1, #parked do
      if parked[i].start_us <= start_us then return parked[i] end
    end
  end

  -- Examines the head of a lane.
  local function take_ready(call, lane)
    local job = lane.head
    local outcome, limit = admit(call, lane.queue, job, lane.start_us, 'ready:' .. lane.name)
    if outcome == 'deferred' then  -- in its present lane: the type's priority may have changed
      redis.call('ZADD', P .. 'ready:' .. lane.name, now + 1000, job.name)
    else
      lane.gone = lane.gone + 1
    end
    if outcome == 'parked' then
      park(job, lane.queue.name, limit, tats[limit] - LIMIT_TOLERANCE_US)
    elseif outcome == 'moved' then
      call.moved[#call.moved + 1] = { job, job.score, LANES[lane.priority] }
    end
    read_head(call, lane)
  end

  -- Leases the jobs that start within the horizon, at most every second one of a parked limit while lanes have jobs.
  function take_jobs(call)
    local unopened, parked, parked_last = list_lanes(call), list_parked(call), false
    local bound_us = call.beat and call.horizon_us or now_us + call.reach_us / 2 + PROMPT_US
    while #call.jobs < call.max_jobs and call.examined < MAX_EXAMINED do
      local first_us = first_start(call, unopened, parked)
      if first_us > bound_us then break end
      local entry = next_parked(parked, first_us)
      local lane = (parked_last or not entry) and next_lane(call, first_us)
      parked_last = not lane
      if lane then
        take_ready(call, lane)
      else
        take_parked(call, entry, entry.start_us)
      end
      call.examined = call.examined + 1
    end
    for _, lane in ipairs(call.open) do close_lane(call, lane) end
    for name, position in pairs(call.turned) do redis.call('HSET', P .. 'lane_positions', name, position) end
    close_parked(call, parked)
    for _, moved in ipairs(call.moved) do make_ready(unpack(moved)) end
  end
end
