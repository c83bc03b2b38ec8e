-- work: counts jobs that wait for workers and jobs that run, for autoscaling and alerts. Writes nothing.
-- KEYS  1 prefix
-- ARGV  none
-- Output  msgpack [now ms, rate (0: nothing starts), running, dead letters, workers, lanes, types, totals]
--         lanes: [[name, due jobs, oldest due ms (0: none), [[type, jobs in the sample], ...]], ...]; lane `parked`: one
--         job of each limit that is free and has parked jobs, and suspects
--         types: [[type, cost, mean service us (-1: no job ended)], ...] of the samples
--         totals: [[counter, value], ...]
-- Bounded, however long the queue: due jobs are counted by rank, their types are sampled; up to STRATA * RUN jobs a
-- lane the sample is complete. A counter by type would be exact, but every script would have to keep it, and it would
-- not know which jobs are due.
-- uses: base limiter
local STRATA, RUN = 32, 4  -- 1 to 1.7 ms of the server's time with four long lanes
local lanes, seen_types = {}, {}

local function add(name, jobs, oldest, names)
  local by_type, sample = {}, {}
  for _, job in ipairs(names) do
    local type_name = parse(job).type
    if type_name then
      by_type[type_name] = (by_type[type_name] or 0) + 1
      seen_types[type_name] = true
    end
  end
  for type_name, times in pairs(by_type) do sample[#sample + 1] = { type_name, times } end
  lanes[#lanes + 1] = { name, jobs, tonumber(oldest) or 0, sample }
end

-- Samples a sorted set of `jobs` due jobs: all, or RUN in a row at a random place in each of STRATA equal parts.
local function sample_of(key, jobs)
  if jobs <= STRATA * RUN then return redis.call('ZRANGE', key, 0, jobs - 1) end
  local names, width = {}, jobs / STRATA
  for i = 0, STRATA - 1 do
    local at = math.floor(i * width + math.random() * (width - RUN))
    for _, name in ipairs(redis.call('ZRANGE', key, at, at + RUN - 1)) do names[#names + 1] = name end
  end
  return names
end

math.randomseed(now % 1000003)
for _, lane in ipairs(LANES) do
  local key = P .. 'ready:' .. GLOBAL .. ':' .. lane
  local jobs = redis.call('ZCOUNT', key, '-inf', now)
  if jobs > 0 then add(lane, jobs, redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2], sample_of(key, jobs)) end
end
local limits, heads = redis.call('ZCOUNT', P .. 'limits_free_at', '-inf', int(now_us)), {}
for _, limit in ipairs(redis.call('ZRANGE', P .. 'limits_free_at', 0, math.min(limits, STRATA) - 1)) do
  heads[#heads + 1] = redis.call('ZRANGE', P .. 'parked:' .. limit, 0, 0)[1]
end
-- Of a lane whose type has a limit of its own as many jobs count as can start now: one.
for _, index in ipairs({ 'lanes_busy', 'lanes_due' }) do
  for _, lane in ipairs(redis.call('ZRANGEBYSCORE', P .. index, '-inf', int(now_us), 'LIMIT', 0, STRATA)) do
    local head = string.find(lane, '^type:') and redis.call('ZRANGE', P .. 'ready:' .. lane, 0, 0)[1]
    if head then heads[#heads + 1], limits = head, limits + 1 end
  end
end
local suspects = redis.call('ZCARD', P .. 'suspects')
if suspects > 0 then
  for _, name in ipairs(redis.call('ZRANGE', P .. 'suspects', 0, STRATA - 1)) do heads[#heads + 1] = name end
end
if limits + suspects > 0 then add('parked', limits + suspects, nil, heads) end

local types, names = {}, {}
for type_name in pairs(seen_types) do names[#names + 1] = type_name end
if #names > 0 then
  local lines = redis.call('HMGET', P .. 'types', unpack(names))
  for i, service in ipairs(redis.call('HMGET', P .. 'service_times', unpack(names))) do
    local cost = lines[i] and whole(string.match(lines[i], '^[^|]*|(%d+)')) or 1
    types[i] = { names[i], cost, service and whole(string.match(service, '^%d+')) or -1 }
  end
end
local workers, beats = 0, redis.call('HVALS', P .. 'workers')
for _, beat in ipairs(beats) do
  local seen = whole(string.match(beat, '^%d+'))
  if seen and now - seen <= ALIVE_MS then workers = workers + 1 end
end
local running = redis.call('ZCARD', P .. 'leases')
local totals = {}
for name, total in pairs(read_balanced()) do totals[#totals + 1] = { name, total } end
return cmsgpack.pack({ now, rate() or 0, running, redis.call('ZCARD', P .. 'dead'), workers, lanes, types, totals })
