-- tick: emits the jobs that became due between the cursor and a later instant, and moves the cursor, in one step.
-- KEYS  1 prefix
-- ARGV  1 expected cursor ms  2 new cursor ms  3 version of the types  4 maximum of subscriptions to read
--       5 maximum of waiting jobs of a queue  6 ranges, msgpack [[lowest offset ms, highest offset ms, occurrence s, life
--         ms, lane, counter, times, [[type, generation, [variant, ...]], ...]], ...]; times > 0: so many occurrences are
--         counted as missed or excluded, and not emitted
--       7 types behind the cursor, msgpack [type, ...]: the call emits their jobs alone, and moves them instead of the
--         cursor; [] for all others  8 number of variants that the caller knows
-- Output  [verdict, cursor ms, now ms, emitted, [type behind, ms, ...], next change ms]; verdicts: ok, lost (no cursor),
--         moved (another caller moved the cursor, or a type behind it), types (another version, or more variants), ahead
--         (over LOOK_AHEAD_MS ahead of the clock), full (too many jobs wait for a type behind), big (halve the step),
--         change (step no further than to the next change, when subscriptions change their interval; -1: none)
-- uses: base types generations variants definitions queues deal interval_changes
jobs_move = true
local LOOK_AHEAD_MS = 1000
local UNBOUNDED = 1e15  -- a number Redis still reads as an integer
local expected, target, version = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local most, backlog_most, late = tonumber(ARGV[4]), tonumber(ARGV[5]), cmsgpack.unpack(ARGV[7])

local cursor, change = read_cursor(), -1
local function verdict(word, emitted)
  return { word, cursor or -1, now, emitted or 0, redis.call('HGETALL', P .. 'behind'), int(change) }
end

if not cursor then return verdict('lost') end
if #late == 0 and cursor ~= expected then return verdict('moved') end
if types_version() ~= version or redis.call('HLEN', P .. 'variants') ~= tonumber(ARGV[8]) then return verdict('types') end

-- Queues in which too many jobs wait. Types of such a queue fall behind: `behind`, type -> the instant up to which its
-- jobs were emitted, ms. Other types do not wait for them.
local full = {}
local function is_full(queue)
  if full[queue] == nil then
    local waiting = number_at('parked_jobs', queue) or 0
    for _, lane in ipairs(LANES) do waiting = waiting + redis.call('ZCARD', P .. 'ready:' .. queue .. ':' .. lane) end
    full[queue] = waiting >= backlog_most
  end
  return full[queue]
end

local behind, falls_behind = {}, {}
for _, name in ipairs(redis.call('HKEYS', P .. 'behind')) do
  behind[name] = number_at('behind', name)
  if not behind[name] then redis.call('HDEL', P .. 'behind', name) end
end
if #late == 0 then
  if target > now + LOOK_AHEAD_MS then return verdict('ahead') end
  if target <= cursor then return verdict('ok') end
  change = change_intervals(cursor, behind)
  if change >= 0 and change < target then return verdict('change') end
else
  if target > cursor then return verdict('moved') end
  for _, name in ipairs(late) do
    if behind[name] ~= expected then return verdict('moved') end
    if is_full(queue_of(name)) then return verdict('full') end
  end
end

-- Tells whether a type emits nothing in this call.
local function is_held(name)
  if #late > 0 then return false end
  if not behind[name] and is_full(queue_of(name)) then falls_behind[name] = true end
  return behind[name] or falls_behind[name]
end

-- Reads all before the first write, so that a step that is too big has written nothing.
local batches, total, skipped = {}, 0, { missed = 0, excluded = 0 }
local function read_range(range, type_name, key, origin)
  local lowest, highest = origin + range[1], origin + range[2]
  if range[7] > 0 then
    skipped[range[6]] = skipped[range[6]] + range[7] * redis.call('ZCOUNT', key, lowest, highest)
    return true
  end
  local rows = redis.call('ZRANGEBYSCORE', key, lowest, highest, 'WITHSCORES', 'LIMIT', 0, most + 1 - total)
  if not rows[1] then return true end
  total = total + #rows / 2
  if total > most then
    if target - expected > 1 then return false end
    rows = redis.call('ZRANGEBYSCORE', key, lowest, highest, 'WITHSCORES')  -- a step of 1 ms is never too big
    most = UNBOUNDED
  end
  batches[#batches + 1] = { range, rows, type_name, key, origin }
  return true
end
for _, range in ipairs(cmsgpack.unpack(ARGV[6])) do
  for _, place in ipairs(range[8]) do
    local type_name, key = place[1], P .. 'schedule:' .. place[1] .. ':' .. place[2]
    if not is_held(type_name) then  -- else emitted once its queue has room
      for _, variant in ipairs(place[3]) do
        if not read_range(range, type_name, key, variant * PLACES) then return verdict('big') end
      end
    end
  end
end

local lanes, emitted = {}, 0
local function flush_lane(lane)
  emitted = emitted + redis.call('ZADD', P .. 'ready:' .. lane, 'NX', unpack(lanes[lane]))
  lanes[lane] = nil
end
for _, batch in ipairs(batches) do
  local range, rows, type_name, key, origin = unpack(batch)
  local head, tail = type_name .. '|', '|' .. int(range[3]) .. '|'
  local life, base, lane = '|' .. int(range[4]), range[3] * 1000, queue_of(type_name) .. ':' .. range[5]
  announce(lane, (base + (tonumber(rows[2]) or origin) - origin) * 1000)
  for i = 1, #rows, 2 do
    local pairs_of = lanes[lane]
    if not pairs_of then
      pairs_of = {}
      lanes[lane] = pairs_of
    end
    local offset = rows[i + 1] - origin
    if offset % 1 == 0 then
      pairs_of[#pairs_of + 1] = base + offset
      pairs_of[#pairs_of + 1] = head .. rows[i] .. tail .. (origin > 0 and int(offset) or rows[i + 1]) .. life
      if #pairs_of >= 1000 then flush_lane(lane) end
    else
      note(string.sub(key, #P + 1) .. ' ' .. rows[i])
    end
  end
end
for lane in pairs(lanes) do flush_lane(lane) end
for _, name in ipairs(late) do
  if target == cursor then
    redis.call('HDEL', P .. 'behind', name)
  else
    redis.call('HSET', P .. 'behind', name, int(target))
  end
end
for name in pairs(falls_behind) do redis.call('HSET', P .. 'behind', name, int(expected)) end
if #late == 0 then
  redis.call('SET', P .. 'cursor', int(target))
  cursor = target
end
local replay_end = redis.call('HGET', P .. 'config', 'replay_end')
if replay_end and cursor >= (whole(replay_end) or 0) then redis.call('HDEL', P .. 'config', 'replay', 'replay_end') end
count('emitted', emitted)
for counter, number in pairs(skipped) do
  if number > 0 then count(counter, number) end
end
flush_counts()
return verdict('ok', emitted)
