-- Lanes that a call has open. Jobs are read some at a time, and leave the lane together.
local MIN_READ, MAX_READ = 4, 64
local SHARED_US = 60000000  -- paths count as shared for as long after a limit of a type was looked at
local RECHECK_US = 5000000  -- a busy lane is looked at as often, in case an override of its limit ended

-- Returns a queue: its path of limits, the global one excepted, and its turn among its lanes.
local function find_queue(call, name)
  local queue = call.queues[name]
  if not queue then
    queue = { name = name, limits = limits_of(name) }
    call.queues[name] = queue
  end
  return queue
end

-- Returns the position of a queue in TURNS. That of the global limit counts where several queues wait for that limit.
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

-- Reads the next job of a lane that is due soon into lane.head, nil without one, and its due into lane.due_us.
local function read_head(call, lane)
  lane.head, lane.at = nil, lane.at + 2
  if lane.at > #lane.rows and not lane.ended then
    if lane.gone > 0 then redis.call('ZREMRANGEBYRANK', P .. 'ready:' .. lane.name, 0, lane.gone - 1) end
    lane.rows = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. lane.name, '-inf', call.soon, 'WITHSCORES', 'LIMIT', 0, lane.read)
    lane.at, lane.gone, lane.ended = 1, 0, #lane.rows < 2 * lane.read
    lane.read = math.min(2 * lane.read, MAX_READ)
  end
  local name = lane.rows[lane.at]
  if not name then return end
  lane.head = parse(name)
  lane.head.score = tonumber(lane.rows[lane.at + 1])
  lane.due_us = lane.head.score * 1000
end

-- Opens a lane that stands in an index.
local function open_lane(call, name, index)
  local queue, priority = string.match(name, '^(.*):(%l+)$')
  local lane = { name = name, index = index, rows = {}, at = 0, gone = 0 }
  lane.queue = find_queue(call, queue or name)
  for i, each in ipairs(LANES) do
    if each == priority then lane.priority = i end
  end
  if not lane.priority then
    note(index .. ' ' .. name, 'was no lane, removed', true)
    return redis.call('ZREM', P .. index, name)
  end
  local start_us = path_start(call, lane.queue)
  local fit = math.min((call.horizon_us - start_us) / call.limiter.slot_us, call.max_jobs)
  lane.read = math.max(MIN_READ, math.min(math.ceil(fit / 2), MAX_READ))
  if start_us <= call.horizon_us then read_head(call, lane) end
  if lane.queue.limits[1] then call.limiter.shared_until_us = now_us + SHARED_US end
  call.open[#call.open + 1] = lane
end

-- Returns the first score of a lane after `from` (ms), infinity without one.
local function next_due(name, from)
  local row = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. name, '(' .. from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return tonumber(row[2]) or math.huge
end

-- Writes what a call changed in a lane: its jobs, and its place in the indexes.
local function close_lane(call, lane)
  if lane.gone > 0 then redis.call('ZREMRANGEBYRANK', P .. 'ready:' .. lane.name, 0, lane.gone - 1) end
  local index, at_us = 'lanes_busy', nil
  if lane.head or not lane.ended then
    at_us = math.ceil(math.min(path_start(call, lane.queue), now_us + RECHECK_US))
  else
    at_us = next_due(lane.name, call.soon) * 1000
    index = at_us < math.huge and 'lanes_due' or nil
  end
  if index then redis.call('ZADD', P .. index, int(at_us), lane.name) end
  if index ~= lane.index then redis.call('ZREM', P .. lane.index, lane.name) end
end
