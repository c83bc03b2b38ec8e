-- follow_limits: has some waiting jobs follow limits that changed (lib/changed_limits.lua), and ends limits set by hand
-- whose time is over.
-- KEYS  1 prefix
-- ARGV  1 most jobs and parked limits to look at; one that changes counts CHANGE times
-- Output  1 if there is more to do, else 0
-- uses: base types definitions queues limiter limits paths jobs changed_limits
jobs_move = true
local CHANGE = 5
local left = tonumber(ARGV[1])
read_root()

-- Removes limits set by hand that have ended: their jobs follow the values before.
local function end_overrides()
  local list = redis.call('HGETALL', P .. 'overrides')
  for i = 1, #list, 2 do
    local limit = list[i] == ':limit' and GLOBAL or string.match(list[i], '^:limit:(.+)$')
    local ends = limit and whole(string.match(list[i + 1], '|(%d+)$')) or 0
    if ends > 0 and ends <= now then
      redis.call('HDEL', P .. 'overrides', list[i])
      types_version()
      redis.call('HINCRBY', P .. 'config', 'version', 1)
      note_change(limit)
    end
  end
end

-- Calls look(member, queue, limit, score) for some parked limits behind a place in the index. Returns the place for the
-- next call; nil at the end. A place is the parked limit looked at last, SCORE|QUEUE|LIMIT. Where many have one score, as
-- the users of a closed limit do, a parked limit that look() gave another score is no place.
local function walk_index(place, look)
  local key, score, last = P .. 'limits_free_at', string.match(place, '^(%d[%d.e+]*)|(.*)$')
  local is_there = last and redis.call('ZSCORE', key, last) == score
  local first = is_there and redis.call('ZRANK', key, last) + 1 or redis.call('ZCOUNT', key, '-inf', '(' .. (score or 0))
  local rows = redis.call('ZRANGE', key, int(first), int(first + left - 1), 'WITHSCORES')
  local is_end = #rows < 2 * left
  for i = 1, #rows, 2 do
    if left <= 0 then return place end
    left = left - 1
    local queue, limit = string.match(rows[i], '^([^|]*)|(.*)$')
    local stays = not queue or not look(rows[i], queue, limit, tonumber(rows[i + 1]))
    if stays or rows[i + 1] ~= score then place, score = rows[i + 1] .. '|' .. rows[i], rows[i + 1] end
  end
  return not is_end and place or nil
end

-- Tells whether a queue's jobs take from a limit.
local known_within = {}
local function is_within(queue, limit)
  if limit == GLOBAL or queue == limit then return true end
  local known = queue .. '|' .. limit
  if known_within[known] == nil then
    local type_name = string.match(queue, '^type:(.+)$')
    local task_type = type_name and queue_of(type_name) and find_type(type_name)
    known_within[known] = set_of((lineage_of(task_type and task_type.release or queue)))[limit] == true
  end
  return known_within[known]
end

-- Has the jobs of a parked limit looked at when its values allow the first one to start. Returns whether that is sooner.
local function recheck(member, limit, score)
  local name, user = string.match(limit, '^([^|]*)|(.*)$')
  local definition, free_us = name and find_definition(name), nil
  if definition and definition.key == 'U' then
    local found = find_user_limit(definition, user)
    local job = found.burst > 1 and redis.call('ZRANGE', P .. 'parked:' .. member, 0, 0)[1]
    free_us = free_at(found, job and parse(job) or {})
  else
    free_us = closed_until(limit)
  end
  left = left - CHANGE
  if free_us >= score then return false end
  redis.call('ZADD', P .. 'limits_free_at', 'XX', int(math.ceil(free_us)), member)
  return true
end

-- Rechecks parked limits behind a place, those that are or lie within a limit. Returns the place to go on from.
local function recheck_parked(changed, place)
  return walk_index(place, function(member, queue, limit, score)
    if score <= now_us then return end
    if string.match(limit, '^[^|]*') ~= changed and not is_within(queue, changed) then return end
    return recheck(member, limit, score)
  end)
end

-- Puts a job of a type into the queue that the type has now.
local function move_job(type_name, place, name, score)
  local job = parse(name)
  if job.type ~= type_name then return end
  local queue = string.match(place, '^parked:([^|]*)')
  local removed = redis.call('ZREM', P .. place, name)
  if queue then count_parked(queue, -removed) end
  make_ready(job, queue and job.due or score)
  left = left - CHANGE
end

-- Moves the jobs of a type in a part of a place. Returns the cursor to go on from.
local function move_some(type_name, place, cursor)
  local most = int(math.ceil(left / CHANGE))
  local next_cursor, rows = unpack(redis.call('ZSCAN', P .. place, whole(cursor) and cursor or '0', 'COUNT', most))
  for i = 1, #rows, 2 do move_job(type_name, place, rows[i], tonumber(rows[i + 1])) end
  left = left - #rows / 2
  return next_cursor ~= '0' and next_cursor or nil
end

-- Tells whether jobs of a type that are parked in a queue at a limit take from other limits now.
local function is_misplaced(type_name, queue, limit)
  if queue_of(type_name) ~= queue then return true end
  local name = string.match(limit, '^([^|]*)|')
  for _, definition in ipairs(find_type(type_name).users) do
    if definition.name == name then return false end
  end
  return name ~= nil
end

-- Moves the jobs of a type that are parked in a queue at limits behind a place. Returns the place to go on from.
local function move_parked(type_name, queue, from)
  return walk_index(from, function(member, at, limit)
    if at ~= queue or not is_misplaced(type_name, queue, limit) then return end
    local place = 'parked:' .. member
    local jobs = redis.call('ZCARD', P .. place)
    if jobs > left then return redis.call('HSET', P .. 'changed_limits', type_name .. '|' .. place, '0') and nil end
    for _, name in ipairs(redis.call('ZRANGE', P .. place, 0, -1)) do move_job(type_name, place, name) end
    left = left - jobs
  end)
end

-- Goes on with a field of `changed_limits`. Returns where to go on next; nil: all is done.
local function follow(field, at)
  local type_name, place = string.match(field, '^([^|]*)|(.*)$')
  if not type_name then return recheck_parked(field, at) end
  if not find_type(type_name) then return end
  local queue, limit = string.match(place, '^parked:([^|]*)|?(.*)$')
  if queue and limit == '' then return move_parked(type_name, queue, at) end
  queue = queue or string.match(place, '^ready:(.*):%l+$')
  if not queue then return end
  if limit and is_misplaced(type_name, queue, limit) or not limit and queue_of(type_name) ~= queue then
    return move_some(type_name, place, at)
  end
end

end_overrides()
while left > 0 do
  local field = redis.call('HRANDFIELD', P .. 'changed_limits')
  if not field then break end
  local at = redis.call('HGET', P .. 'changed_limits', field)
  if not tonumber(string.match(at, '^%d[%d.e+]*')) then
    note('changed_limits ' .. field)
    at = '0'
  end
  local next_at = follow(field, at)
  if next_at then
    redis.call('HSET', P .. 'changed_limits', field, next_at)
  else
    redis.call('HDEL', P .. 'changed_limits', field)
  end
  left = left - 1
end
flush_limits()
flush_counts()
return redis.call('EXISTS', P .. 'changed_limits')
