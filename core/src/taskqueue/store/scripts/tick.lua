-- tick: emits the jobs that became due between the cursor and a later instant, and moves the cursor, in one step.
-- KEYS  1 prefix
-- ARGV  1 expected cursor ms  2 new cursor ms  3 version of the types  4 maximum of subscriptions to read
--       5 maximum of waiting jobs of a queue  6 ranges, msgpack [[type, generation, lowest place, highest place,
--         occurrence s, life ms, lane, missed, place of offset 0, excluded], ...], see lib/variants.lua; missed or
--         excluded > 0: so many occurrences are counted as missed or as excluded, not emitted
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
local batches, total, missed, excluded = {}, 0, 0, 0
for _, range in ipairs(cmsgpack.unpack(ARGV[6])) do
  local key = P .. 'schedule:' .. range[1] .. ':' .. range[2]
  if is_held(range[1]) then
    -- emitted once its queue has room
  elseif range[8] > 0 then
    missed = missed + range[8] * redis.call('ZCOUNT', key, range[3], range[4])
  elseif range[10] > 0 then
    excluded = excluded + range[10] * redis.call('ZCOUNT', key, range[3], range[4])
  else
    local rows = redis.call('ZRANGEBYSCORE', key, range[3], range[4], 'WITHSCORES', 'LIMIT', 0, most + 1 - total)
    if #rows > 0 then
      batches[#batches + 1] = { range, rows }
      total = total + #rows / 2
      if total > most then
        if target - expected > 1 then return verdict('big') end
        rows = redis.call('ZRANGEBYSCORE', key, range[3], range[4], 'WITHSCORES')  -- a step of 1 ms is never too big
        batches[#batches][2], most = rows, UNBOUNDED
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
  local range, rows = batch[1], batch[2]
  local origin = range[9]
  local head, tail = range[1] .. '|', '|' .. int(range[5]) .. '|'
  local queue = queue_of(range[1])
  local life, base, lane = '|' .. int(range[6]), range[5] * 1000, queue .. ':' .. range[7]
  announce(lane, (base + (tonumber(rows[2]) or origin) - origin) * 1000)
  for i = 1, #rows, 2 do
    local pairs_of = lanes[lane]
    if not pairs_of then
      pairs_of = {}
      lanes[lane] = pairs_of
    end
    local offset = rows[i + 1]
    if offset % 1 == 0 then
      if origin > 0 then offset = int(offset - origin) end
      pairs_of[#pairs_of + 1] = base + offset
      pairs_of[#pairs_of + 1] = head .. rows[i] .. tail .. offset .. life
      if #pairs_of >= 1000 then flush_lane(lane) end
    else
      note('schedule:' .. range[1] .. ':' .. range[2] .. ' ' .. rows[i])
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
if missed > 0 then count('missed', missed) end
if excluded > 0 then count('excluded', excluded) end
flush_counts()
return verdict('ok', emitted)
