-- Lanes that a call has open. Jobs are read some at a time, and leave the lane together.
local MIN_READ, MAX_READ = 4, 64
local SHARED_US = 60000000  -- paths count as shared for as long after a limit within another one was looked at
local RECHECK_US = 5000000  -- a busy lane is looked at as often, in case an override of its limit ended

-- Puts the earliest start of a lane's or parked limit's next job into own_us, the global limit excepted, and returns it.
local function update_start(place)
  local queue, start_us = place.queue, place.ready_us
  if queue.within then
    local own_us = own_start(queue, place.head)
    if own_us > start_us then start_us = own_us end
  end
  place.own_us = start_us
  return start_us
end

-- Reads the next job of a lane that is due soon into lane.head, nil without one, its due into lane.ready_us, and the
-- earliest start that this due and the queue's path have left, the global limit excepted, into lane.own_us. Where no
-- job is due soon any more, lane.next_ms becomes the due of the first of the others.
local function read_head(call, lane)
  local at = lane.at + 2
  if not lane.rows[at] and not lane.ended then
    if lane.gone > 0 then redis.call('ZREMRANGEBYRANK', P .. lane.key, 0, lane.gone - 1) end
    lane.rows = redis.call('ZRANGE', P .. lane.key, 0, lane.read - 1, 'WITHSCORES')
    lane.gone, lane.ended, at = 0, #lane.rows < 2 * lane.read, 1
    lane.read = math.min(2 * lane.read, MAX_READ)
  end
  local name = lane.rows[at]
  local due = name and lane.rows[at + 1] + 0
  if name and due > call.soon then
    lane.next_ms, lane.ended, name = math.min(lane.next_ms, due), true, nil
  end
  lane.at, lane.head, lane.own_us = at, name and parse(name), math.huge
  if not name then return end
  lane.ready_us = due * 1000
  update_start(lane)
end

-- Opens a lane that stands in an index. due_at: its place in call.dues. Returns it if it has a job to start.
local function open_lane(call, name, index, due_at)
  local queue, priority = string.match(name, '^(.*):(%l+)$')
  local lane = { name = name, key = 'ready:' .. name, index = index, due_at = due_at, rows = {}, at = 0, gone = 0, own_us = math.huge,
    next_ms = math.huge }
  for i, each in ipairs(LANES) do
    if each == priority then lane.priority = i end
  end
  if not lane.priority then
    note(index .. ' ' .. name, 'was no lane, removed', true)
    redis.call('ZREM', P .. index, name)
    return
  end
  lane.queue = find_limit(queue)
  local start_us = path_start(lane.queue, {})
  local fit = math.max(call.horizon_us - start_us, 1) / call.limiter.slot_us
  lane.read = math.max(MIN_READ, math.ceil(math.min(fit, call.max_jobs, 2 * MAX_READ) / 2))
  if start_us <= call.horizon_us then read_head(call, lane) end
  if lane.queue.within then call.limiter.shared_until_us = now_us + SHARED_US end
  call.open[#call.open + 1] = lane
  return lane.head and lane
end

-- Returns the first score of a lane after `from` (ms), infinity without one.
local function next_due(name, from)
  local row = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. name, '(' .. from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return tonumber(row[2]) or math.huge
end

-- Writes what a call changed in a lane: its jobs, and its place in the indexes.
local function close_lane(call, lane)
  if lane.gone > 0 then redis.call('ZREMRANGEBYRANK', P .. lane.key, 0, lane.gone - 1) end
  local index, at_us = 'lanes_busy', nil
  if lane.head or not lane.ended then
    at_us = math.floor(math.min(path_start(lane.queue, lane.head or {}), now_us + RECHECK_US))  -- a lower bound
  else
    at_us = lane.next_ms * 1000
    index = at_us < math.huge and 'lanes_due' or nil
  end
  if index then redis.call('ZADD', P .. index, at_us, lane.name) end
  if index ~= lane.index then redis.call('ZREM', P .. lane.index, lane.name) end
  call.any_busy = call.any_busy or index == 'lanes_busy'
  if call.dues and lane.index == 'lanes_due' then
    call.dues[lane.due_at] = index == 'lanes_due' and at_us or math.huge
  end
end
