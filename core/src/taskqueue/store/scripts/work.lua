-- work: counts jobs that wait for workers and jobs that run, by queue, for autoscaling and alerts. Moves nothing.
-- KEYS  1 prefix
-- ARGV  none
-- Output  msgpack [now ms, rate (0: nothing starts), running, dead letters, workers, lanes, types, totals, busy, limits]
--         lanes: [[queue, lane, due jobs, oldest due ms (0: none), [[type, jobs in the sample], ...]], ...]; lane
--         `parked`: one job of each User limit that is free and has parked jobs, and suspects
--         types: [[type, cost, mean service us (-1: no job ended)], ...] of the samples
--         totals: [[counter, value], ...];  busy: [[queue, running jobs], ...]
--         limits: [[limit, starts a second (0: closed), limit around it or ''], ...] on the paths of these queues
-- Bounded, however long the queues: due jobs are counted by rank, and types are sampled; up to STRATA * RUN jobs of a
-- lane of `global`, and up to RUN * RUN of another one, the sample is complete. A counter by type would be exact, but
-- every script would have to keep it, and it would not know which jobs are due.
-- uses: base types definitions queues limiter limits
local STRATA, RUN = 32, 4  -- 1 to 1.7 ms of the server's time with four long lanes
local lanes, seen_types, seen_queues = {}, {}, {}

local function add(queue, name, jobs, oldest, names)
  local by_type, sample = {}, {}
  for _, job in ipairs(names) do
    local type_name = parse(job).type
    if type_name then
      by_type[type_name] = (by_type[type_name] or 0) + 1
      seen_types[type_name] = true
    end
  end
  for type_name, times in pairs(by_type) do sample[#sample + 1] = { type_name, times } end
  local oldest_ms = math.floor(math.max(0, math.min(tonumber(oldest) or 0, END_MS)))
  lanes[#lanes + 1] = { queue, name, jobs, oldest_ms, sample }
  seen_queues[queue] = true
end

-- Samples a sorted set of `jobs` jobs: all, or RUN in a row at a random place in each of `strata` equal parts.
local function sample_of(key, jobs, strata)
  if jobs <= strata * RUN then return redis.call('ZRANGE', key, 0, jobs - 1) end
  local names, width = {}, jobs / strata
  for i = 0, strata - 1 do
    local at = math.floor(i * width + math.random() * (width - RUN))
    for _, name in ipairs(redis.call('ZRANGE', key, at, at + RUN - 1)) do names[#names + 1] = name end
  end
  return names
end

-- Shares `jobs` out over the queues of a sample, given as queue -> names.
local function share(jobs, by_queue)
  local sampled, shares = 0, {}
  for _, names in pairs(by_queue) do sampled = sampled + #names end
  for queue, names in pairs(by_queue) do shares[queue] = math.ceil(jobs * #names / sampled) end
  return shares
end

local function put(by_queue, queue, name)
  by_queue[queue] = by_queue[queue] or {}
  table.insert(by_queue[queue], name)
end

math.randomseed(now % 1000003)
for _, name in ipairs(list_lanes_with_jobs()) do
  local key, queue, lane = P .. 'ready:' .. name, string.match(name, '^(.*):(%l+)$')
  local jobs = queue and redis.call('ZCOUNT', key, '-inf', now) or 0
  if jobs > 0 then
    local names = sample_of(key, jobs, queue == GLOBAL and STRATA or RUN)
    add(queue, lane, jobs, redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2], names)
  end
end

local free, heads = redis.call('ZCOUNT', P .. 'limits_free_at', '-inf', int(now_us)), {}
local suspects = redis.call('ZCARD', P .. 'suspects')
for _, limit in ipairs(redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '-inf', int(now_us), 'LIMIT', 0, STRATA)) do
  local head = redis.call('ZRANGE', P .. 'parked:' .. limit, 0, 0)[1]
  if head then put(heads, string.match(limit, '^[^|]*'), head) end
end
for _, name in ipairs(redis.call('ZRANGE', P .. 'suspects', 0, STRATA - 1)) do
  put(heads, queue_of(parse(name).type or ''), name)
end
for queue, jobs in pairs(share(free + suspects, heads)) do add(queue, 'parked', jobs, nil, heads[queue]) end

local running, busy, leased = redis.call('ZCARD', P .. 'leases'), {}, {}
for _, name in ipairs(sample_of(P .. 'leases', running, STRATA)) do
  put(leased, queue_of(string.match(name, '^[^|]*')), name)
end
for queue, jobs in pairs(share(running, leased)) do
  busy[#busy + 1] = { queue, jobs }
  seen_queues[queue] = true
end

-- The limits of these queues.
local per_second_of_all, listed = read_root() or 0, {}
local paths = { { GLOBAL, per_second_of_all, '' } }
for queue in pairs(seen_queues) do
  local limit = find_limit(queue)
  while limit.within and not listed[limit.name] do
    local per_second = limit.spacing_us > 0 and 1000000 / limit.spacing_us or math.huge
    if limit.closed_us > now_us then per_second = 0 end
    listed[limit.name] = true
    paths[#paths + 1] = { limit.name, per_second, limit.within.name }
    limit = limit.within
  end
end

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
local totals = {}
for name, total in pairs(read_balanced()) do totals[#totals + 1] = { name, total } end
return cmsgpack.pack({
  now, per_second_of_all, running, redis.call('ZCARD', P .. 'dead'), workers, lanes, types, totals, busy, paths,
})
