-- tick: emits the jobs that became due between the cursor and a later instant, and moves the cursor, in one step.
-- KEYS  1 prefix
-- ARGV  1 expected cursor ms  2 new cursor ms  3 version of the types  4 maximum of subscriptions to read
--       5 maximum of waiting jobs  6 ranges, msgpack [[type, generation, lowest offset ms, highest offset ms, occurrence s,
--         life ms, lane, missed], ...]; missed > 0: so many occurrences are counted as missed, not emitted
-- Output  [verdict, cursor ms, now ms, emitted]; verdicts: ok, lost (no cursor), moved (another caller moved the cursor),
--         types (another version), ahead (over LOOK_AHEAD_MS ahead of the clock), full (too many jobs wait),
--         big (halve the step)
-- uses: base types definitions queues
jobs_move = true
local LOOK_AHEAD_MS = 1000
local UNBOUNDED = 1e15  -- a number Redis still reads as an integer
local expected, target, version = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local most, backlog_most = tonumber(ARGV[4]), tonumber(ARGV[5])

local cursor = read_cursor()
local function verdict(word, emitted) return { word, cursor or -1, now, emitted or 0 } end

if not cursor then return verdict('lost') end
if cursor ~= expected then return verdict('moved') end
if types_version() ~= version then return verdict('types') end
if target > now + LOOK_AHEAD_MS then return verdict('ahead') end
if target <= cursor then return verdict('ok') end

-- Returns the jobs that wait or are leased, from the counters: jobs in less jobs out; and whether all could be read.
local FLOW = { unpack(IN) }
for _, name in ipairs(OUT) do FLOW[#FLOW + 1] = name end
local function read_flow()
  local flow, readable = 0, true
  for i, text in ipairs(redis.call('HMGET', P .. 'metrics', unpack(FLOW))) do
    flow = flow + (i <= #IN and 1 or -1) * (whole(text) or 0)
    readable = readable and (not text or whole(text))
  end
  return flow, readable
end
local flow, readable = read_flow()
if not readable then
  read_balanced()
  flow = read_flow()
end
local waiting = flow - redis.call('ZCARD', P .. 'leases')
if waiting >= backlog_most then return verdict('full') end

-- Reads all before the first write, so that a step that is too big has written nothing.
local batches, total, missed = {}, 0, 0
for _, range in ipairs(cmsgpack.unpack(ARGV[6])) do
  local key = P .. 'schedule:' .. range[1] .. ':' .. range[2]
  if range[8] > 0 then
    missed = missed + range[8] * redis.call('ZCOUNT', key, range[3], range[4])
  else
    local rows = redis.call('ZRANGEBYSCORE', key, range[3], range[4], 'WITHSCORES', 'LIMIT', 0, most + 1 - total)
    if #rows > 0 then
      batches[#batches + 1] = { range, rows }
      total = total + #rows / 2
      if total > most then
        if target - cursor > 1 then return verdict('big') end
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
  local head, tail = range[1] .. '|', '|' .. int(range[5]) .. '|'
  local queue = queue_of(range[1])
  local life, base, lane = '|' .. int(range[6]), range[5] * 1000, queue .. ':' .. range[7]
  announce(lane, (base + (tonumber(rows[2]) or 0)) * 1000)
  for i = 1, #rows, 2 do
    local pairs_of = lanes[lane]
    if not pairs_of then
      pairs_of = {}
      lanes[lane] = pairs_of
    end
    local offset = rows[i + 1]
    if offset % 1 == 0 then
      pairs_of[#pairs_of + 1] = base + offset
      pairs_of[#pairs_of + 1] = head .. rows[i] .. tail .. offset .. life
      if #pairs_of >= 1000 then flush_lane(lane) end
    else
      note('schedule:' .. range[1] .. ':' .. range[2] .. ' ' .. rows[i])
    end
  end
end
for lane in pairs(lanes) do flush_lane(lane) end
redis.call('SET', P .. 'cursor', int(target))
local replay_end = redis.call('HGET', P .. 'config', 'replay_end')
if replay_end and target >= (whole(replay_end) or 0) then redis.call('HDEL', P .. 'config', 'replay', 'replay_end') end
cursor = target
count('emitted', emitted)
if missed > 0 then count('missed', missed) end
flush_counts()
return verdict('ok', emitted)
