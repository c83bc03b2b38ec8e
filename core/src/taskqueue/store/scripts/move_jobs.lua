-- move_jobs: takes some waiting jobs along to the queue that their type has now (lib/moves.lua).
-- KEYS  1 prefix
-- ARGV  1 jobs to look at
-- Output  1 if there is more to do, else 0
-- uses: base types definitions queues jobs moves
jobs_move = true

-- Returns the place of a queue after `last`: its lanes come first, then its parked jobs in the order of their names.
local function next_place(queue, last)
  local passed = last == ''
  for _, lane in ipairs(LANES) do
    local place = 'ready:' .. queue .. ':' .. lane
    if passed then return place end
    passed = place == last
  end
  local parked = redis.call('ZRANGE', P .. 'limits_free_at', 0, -1)
  table.sort(parked)
  for _, member in ipairs(parked) do
    local place = 'parked:' .. member
    local is_next = passed or string.sub(last, 1, 7) == 'parked:' and place > last
    if is_next and string.sub(member, 1, #queue + 1) == queue .. '|' then return place end
  end
end

-- Moves the jobs of a type that a part of a place has. Returns the cursor of the next part; '0' at the end.
local function move_some(type_name, place, cursor)
  local answer = redis.call('ZSCAN', P .. place, cursor, 'COUNT', ARGV[1])
  for i = 1, #answer[2], 2 do
    local job = parse(answer[2][i])
    if job.type == type_name then
      local is_parked = string.find(place, '^parked')
      local removed = redis.call('ZREM', P .. place, job.name)
      if is_parked then count_parked(string.match(place, '^parked:([^|]*)'), -removed) end
      make_ready(job, is_parked and job.due or tonumber(answer[2][i + 1]))
    end
  end
  return answer[1]
end

local entry = redis.call('HRANDFIELD', P .. 'moves')
if not entry then return 0 end
local type_name, queue = string.match(entry, '^([^|]+)|(.+)$')
local place, cursor = string.match(redis.call('HGET', P .. 'moves', entry), '^(.*)|(%d+)$')
if not type_name or not place then
  note('moves ' .. entry, 'was no move, removed', true)
  place = nil
elseif not find_type(type_name) or queue_of(type_name) == queue then
  place = nil
elseif cursor == '0' then
  place = next_place(queue, place)
end
if place then
  redis.call('HSET', P .. 'moves', entry, place .. '|' .. move_some(type_name, place, cursor))
else
  redis.call('HDEL', P .. 'moves', entry)
end
flush_counts()
return redis.call('EXISTS', P .. 'moves')
