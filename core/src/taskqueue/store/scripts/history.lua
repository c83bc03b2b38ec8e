-- history: adds the counts of a worker to the history: a hash for each type and hour, minute -> counters, msgpack,
-- without the zeros at their end (taskqueue.store.history gives the order).
-- KEYS  1 prefix
-- ARGV  1 worker  2 number of the flush, grows by 1  3 counts, msgpack [[type, minute since 1970, [counter, ...]], ...]
-- Output  1, or 0 if a flush of this number was counted before
-- uses: base
local MINUTE_MS, HOUR_MS = 60000, 3600000
local KEEP_MS = 72 * HOUR_MS
local MAX_COUNTERS, MAX_COUNT = 32, 1e12

-- Returns the counters of a minute; none for one without a record.
local function read_counters(record, place)
  local counters, stored = {}, record and unpacked(record)
  for i = 1, type(stored) == 'table' and math.min(#stored, MAX_COUNTERS) or 0 do
    local counter = stored[i]
    if type(counter) ~= 'number' or counter % 1 ~= 0 or counter < 0 or counter >= MAX_COUNT then
      counters = {}
      break
    end
    counters[i] = counter
  end
  if record and #counters == 0 then note(place, 'cannot be read, counted from here on', true) end
  return counters
end

-- Adds the counters of one type and minute. A minute that lies ahead, as after a step of the clock, is this one; one
-- whose hour is over for as long as the history is kept is left out.
local function add(type_name, minute, counters)
  minute = math.min(minute, math.floor(now / MINUTE_MS))
  local hour = math.floor(minute / 60)
  local left_ms = (hour + 1) * HOUR_MS + KEEP_MS - now
  if left_ms <= 0 then return end
  local name, field = 'history:' .. type_name .. ':' .. int(hour), int(minute % 60)
  local sums = read_counters(redis.call('HGET', P .. name, field), name .. ' ' .. field)
  for i = 1, math.max(#sums, #counters) do sums[i] = (sums[i] or 0) + (counters[i] or 0) end
  if redis.call('HSET', P .. name, field, cmsgpack.pack(sums)) == 1 then
    redis.call('PEXPIRE', P .. name, int(left_ms))
  end
end

local key = P .. 'flushed:' .. ARGV[1]
local last = redis.call('GET', key)
if last and not whole(last) then note('flushed:' .. ARGV[1], 'cannot be read', true) end
if (whole(last) or 0) >= tonumber(ARGV[2]) then return 0 end
for _, counted in ipairs(cmsgpack.unpack(ARGV[3])) do add(unpack(counted)) end
-- Kept for as long as a minute of this flush: one that is repeated later adds nothing.
redis.call('SET', key, ARGV[2], 'PX', int(KEEP_MS + HOUR_MS))
flush_counts()
return 1
