-- The sweep: books the open queues in the order of their starts. The job that can start first comes first; of
-- several, the lane whose turn it is, and there the oldest due. A turn is taken when a job is. Each limit has turns of
-- its own, and of the limits on a path that which has no start left before counts. So the weights of the lanes hold
-- within a queue, and over all queues within a limit: the tolerance of their own limits puts their starts on its grid.
--
-- Lanes and parked limits of a call, by lists:
--   call.busy     lanes of lanes_busy that are opened when their turn comes, [lane, start us, lane, start us, ...]
--   call.waiting  open lanes that can start a job later, in the order of own_us, a lower bound: a limit that several
--                 queues share may have been booked since it was computed
--   call.ready    by priority: open lanes that can start a job at the next start, in the order of their dues
--   call.parked   parked limits, in the order of own_us
local take_jobs
do
  local MAX_LANES = 64  -- lanes of an index looked at in a call
  local GRID_US = 3000  -- a start this soon after a limit is free was held up by this limit, not by those around it

  -- Puts a lane or a parked limit into a list that is in the order of `field`. Most belong near its end.
  local function insert(list, place, field)
    local at, score = #list, place[field]
    while at > 0 and list[at][field] > score do
      list[at + 1] = list[at]
      at = at - 1
    end
    list[at + 1] = place
  end

  -- Makes an open lane ready. common: the innermost limit that the queues of all ready lanes have in common.
  local function add_ready(call, lane)
    insert(call.ready[lane.priority], lane, 'ready_us')
    local alone = call.ready_lanes == 0 or call.common == lane.queue
    call.common = alone and lane.queue or common_limit(call.common, lane.queue)
    call.ready_lanes = call.ready_lanes + 1
  end

  local function remove_ready(call, lane, at)
    table.remove(call.ready[lane.priority], at)
    call.ready_lanes = call.ready_lanes - 1
  end

  -- Puts a lane whose head was taken to its place among the ready lanes, or among those that wait.
  local function replace_lane(call, lane, start_us)
    local ready, at = call.ready[lane.priority], lane.at_ready
    if lane.own_us > start_us then
      remove_ready(call, lane, at)
      if lane.head then insert(call.waiting, lane, 'own_us') end
      return
    end
    if call.ready_lanes == 1 then call.common = lane.queue end
    while ready[at + 1] and ready[at + 1].ready_us <= lane.ready_us do
      ready[at] = ready[at + 1]
      at = at + 1
    end
    ready[at] = lane
  end

  -- Opens the lanes with a due soon, and finds the busy ones, if this is a beat. Between two beats, half a horizon
  -- apart, busy lanes are left to the worker called for the next one: so a call takes half a horizon's worth or
  -- nothing, instead of a part for every idle worker that polls. No job starts later. Returns the last start that this
  -- call may take.
  local function find_lanes(call)
    local busy = redis.call('ZRANGEBYSCORE', P .. 'lanes_busy', '-inf', call.horizon_us,
      'WITHSCORES', 'LIMIT', 0, MAX_LANES)
    local due = redis.call('ZRANGEBYSCORE', P .. 'lanes_due', '-inf', now_us + EARLY_US, 'LIMIT', 0, MAX_LANES)
    local beat = not busy[2] or tonumber(busy[2]) - call.reach_us / 2 <= now_us + PROMPT_US
    call.busy, call.next_busy = beat and busy or {}, 1
    for _, name in ipairs(due) do
      local lane = open_lane(call, name, 'lanes_due')
      if lane then insert(call.waiting, lane, 'own_us') end
    end
    return beat and call.horizon_us or now_us + call.reach_us / 2 + PROMPT_US
  end

  -- Returns when the first job of all can start. Opens the busy lanes that could start one by then, and makes the lanes
  -- ready that can.
  local function find_start(call)
    local waiting, busy = call.waiting, call.busy
    local root_us = call.limiter.free_us > now_us and call.limiter.free_us or now_us
    local start_us = root_us
    if call.ready_lanes == 0 then
      local first, parked = waiting[1], call.parked[1]
      local first_us = first and first.own_us or math.huge
      if parked and parked.own_us < first_us then first_us = parked.own_us end
      if first_us > root_us then start_us = first_us end
    end
    while busy[call.next_busy] and tonumber(busy[call.next_busy + 1]) <= start_us do
      local lane = open_lane(call, busy[call.next_busy], 'lanes_busy')
      call.next_busy = call.next_busy + 2
      if lane then
        insert(waiting, lane, 'own_us')
        if waiting[1] == lane and lane.own_us < start_us then start_us = math.max(lane.own_us, root_us) end
      end
    end
    while waiting[1] and waiting[1].own_us <= start_us do add_ready(call, table.remove(waiting, 1)) end
    return start_us
  end

  -- Returns the ready lane of a priority with the oldest due, of those that a limit holds for. Lanes that can start no
  -- job at start_us any more, as a limit of theirs was booked since, wait again.
  local function first_ready(call, priority, limit, start_us)
    local ready, at = call.ready[priority], 1
    while ready[at] do
      local lane = ready[at]
      if lane.queue ~= limit and common_limit(lane.queue, limit) ~= limit then
        at = at + 1
      elseif (lane.queue.within and update_start(lane) or lane.ready_us) <= start_us then
        lane.at_ready = at
        return lane
      else
        remove_ready(call, lane, at)
        insert(call.waiting, lane, 'own_us')
      end
    end
  end

  -- Returns the ready lane whose turn it is within a limit; the only priority that is ready takes no turn.
  local function take_turn(call, limit, start_us)
    local firsts, number, only = {}, 0, nil
    if call.ready_lanes == 1 then
      for priority = 1, #LANES do
        if call.ready[priority][1] then return first_ready(call, priority, limit, start_us) end
      end
    end
    for priority = 1, #LANES do
      firsts[priority] = call.ready[priority][1] and first_ready(call, priority, limit, start_us)
      if firsts[priority] then number, only = number + 1, firsts[priority] end
    end
    if number <= 1 then return only end
    local position, turns = position_of(call, limit), #TURNS
    for turn = position, position + turns - 1 do
      local lane = firsts[TURNS[turn % turns + 1]]
      if lane then
        set_position(call, limit, (turn + 1) % turns)
        return lane
      end
    end
  end

  -- Returns the outermost limit on a lane's path, within `limit`, that has no start left before start_us, but for the
  -- way to the next start on the grid of the limits around it.
  local function binding_limit(lane, limit, start_us)
    local each, found = lane.queue, nil
    while each ~= limit do
      if each.spacing_us > 0 and free_at(each, lane.head) + GRID_US >= start_us then found = each end
      each = each.within
    end
    return found
  end

  -- Returns the ready lane whose turn it is; nil if none can start a job at start_us any more. A limit that has no start
  -- left before chooses among its own lanes: the turns of the limit around it are taken by jobs of other limits, too.
  local function draw_lane(call, start_us)
    local limit, lane = call.common, nil
    repeat
      lane = take_turn(call, limit, start_us)
      limit = lane and call.ready_lanes > 1 and binding_limit(lane, limit, start_us)
    until not limit
    return lane
  end

  -- Examines the head of a lane.
  local function take_ready(call, lane, start_us)
    local job = lane.head
    local outcome, limit = admit(call, lane.queue, job, start_us, lane.key)
    if outcome == 'deferred' then  -- in its present lane: the type's priority may have changed
      redis.call('ZADD', P .. lane.key, now + 1000, job.name)
    else
      lane.gone = lane.gone + 1
    end
    if outcome == 'parked' then
      park(job, lane.queue.name, limit)
    elseif outcome == 'moved' then
      call.moved[#call.moved + 1] = { job, lane.ready_us / 1000, LANES[lane.priority] }
    end
    read_head(call, lane)
  end

  -- Leases the jobs that start within the horizon, at most every second one of a parked limit while lanes have jobs.
  function take_jobs(call)
    for priority = 1, #LANES do call.ready[priority] = {} end
    local bound_us, parked_last = find_lanes(call), false
    for _, entry in ipairs(list_parked(call)) do insert(call.parked, entry, 'own_us') end
    while #call.jobs < call.max_jobs and call.examined < MAX_EXAMINED do
      local start_us = find_start(call)
      if start_us > bound_us then break end
      local entry = call.parked[1]
      if not entry or entry.own_us > start_us or parked_last and call.ready_lanes > 0 then
        local lane = draw_lane(call, start_us)
        if lane then
          parked_last, call.examined = false, call.examined + 1
          take_ready(call, lane, start_us)
          replace_lane(call, lane, start_us)
        end
      else
        table.remove(call.parked, 1)
        if update_start(entry) <= start_us then
          parked_last, call.examined = true, call.examined + 1
          take_parked(call, entry, start_us)
        end
        if not entry.gone then insert(call.parked, entry, 'own_us') end
      end
    end
    for _, lane in ipairs(call.open) do close_lane(call, lane) end
    for name, position in pairs(call.turned) do redis.call('HSET', P .. 'lane_positions', name, position) end
    for _, entry in ipairs(call.parked) do close_parked(call, entry) end
    for _, moved in ipairs(call.moved) do make_ready(unpack(moved)) end
  end
end
