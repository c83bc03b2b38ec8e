-- Turns: which of the lanes that can start a job takes the start. It is the lane whose turn it is, and of its priority
-- that with the oldest due. A turn is taken when a job is. Each limit has turns of its own, and of the limits on a path
-- that which has no start left before counts. So the weights of the lanes hold within a queue, and over all queues
-- within a limit: the tolerance of their own limits puts their starts on its grid.
--
-- Lists of a call:
--   call.waiting  open lanes that can start a job later, in the order of own_us, a lower bound: a limit that several
--                 queues share may have been booked since it was computed
--   call.ready    by priority: open lanes that can start a job at the next start, in the order of their dues
local insert, add_ready, draw_lane, reinsert
do
  local GRID_US = 3000  -- a start this soon after a limit is free was held up by this limit, not by those around it

  -- Returns the position of a queue in TURNS.
  local function position_of(call, queue)
    if queue.name == GLOBAL then return call.limiter.lane_position end
    if not queue.position then queue.position = whole(redis.call('HGET', P .. 'lane_positions', queue.name)) or 0 end
    return queue.position
  end

  local function set_position(call, queue, position)
    if queue.name == GLOBAL then
      call.limiter.lane_position = position
    else
      queue.position, call.turned[queue.name] = position, position
    end
  end

  -- Puts a lane or a parked limit into a list that is in the order of `field`. Most belong near its end.
  function insert(list, place, field)
    local at, score = #list, place[field]
    while at > 0 and list[at][field] > score do
      list[at + 1] = list[at]
      at = at - 1
    end
    list[at + 1] = place
  end

  -- Makes an open lane ready. common: the innermost limit that the queues of all ready lanes have in common.
  function add_ready(call, lane)
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
  function reinsert(call, lane, start_us)
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
    if call.ready_lanes == 1 then
      for priority = 1, #LANES do
        if call.ready[priority][1] then return first_ready(call, priority, limit, start_us) end
      end
    end
    local firsts, number, only = {}, 0, nil
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

  -- Returns the ready lane whose turn it is; nil if none can start a job at start_us any more. A limit that has no
  -- start left before chooses among its own lanes: jobs of other limits take turns of the limit around it, too.
  function draw_lane(call, start_us)
    local limit, lane = call.common, nil
    repeat
      lane = take_turn(call, limit, start_us)
      limit = lane and call.ready_lanes > 1 and binding_limit(lane, limit, start_us)
    until not limit
    return lane
  end
end
