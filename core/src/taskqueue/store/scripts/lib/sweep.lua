-- The sweep: books the open queues in the order of their starts. The job that can start first comes first; among
-- several, the turns of their lanes decide (lib/turns.lua).
--
-- Lists of a call, besides those of lib/turns.lua:
--   call.busy     lanes of lanes_busy that are opened when their turn comes, [lane, start us, lane, start us, ...]
--   call.parked   parked limits, in the order of own_us
local take_jobs
do
  local MAX_LANES = 64  -- lanes of an index looked at in a call

  -- Opens the lanes with a due soon, and finds the busy ones, if this is a beat. Between two beats, half a horizon
  -- apart, busy lanes are left to the worker called for the next one: so a call takes half a horizon's worth or
  -- nothing, instead of a part for every idle worker that polls. No job starts later. Returns the last start that this
  -- call may take.
  local function find_lanes(call)
    local busy = redis.call('ZRANGE', P .. 'lanes_busy', 0, MAX_LANES - 1, 'WITHSCORES')
    local busy_us = tonumber(busy[2]) or math.huge
    local beat = busy_us > call.horizon_us or busy_us - call.reach_us / 2 <= now_us + PROMPT_US
    call.busy, call.next_busy, call.any_busy = beat and busy or {}, 1, busy[2] ~= nil
    local due_us = now_us + EARLY_US
    local due = redis.call('ZRANGEBYSCORE', P .. 'lanes_due', '-inf', call.any_busy and due_us or now_us + AHEAD_US,
      'WITHSCORES', 'LIMIT', 0, MAX_LANES)
    if not call.any_busy then call.dues = due end  -- else this call probably takes all it may
    for i = 1, #due, 2 do
      due[i + 1] = tonumber(due[i + 1])
      local lane = due[i + 1] <= due_us and open_lane(call, due[i], 'lanes_due', i + 1)
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

  -- Examines the head of a lane.
  local function take_ready(call, lane, start_us)
    local job = lane.head
    local outcome, limit = admit(call, lane.queue, job, start_us, lane.key)
    if outcome == 'deferred' then  -- in its present lane: the type's priority may have changed
      redis.call('ZADD', P .. lane.key, now + 1000, job.name)
      lane.next_ms = math.min(lane.next_ms, now + 1000)
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
          reinsert(call, lane, start_us)
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
