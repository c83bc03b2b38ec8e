-- work: what waits for workers and what runs, for autoscaling and alerts. Reads only.
-- KEYS  1 prefix
-- ARGV  none
-- Output  msgpack [now ms, rate (0: nothing starts), running, dead letters, workers, lanes, types, totals]
--         lanes [[name, due jobs, oldest due ms (0: none), [[type, jobs of the sample], ...]], ...], `parked` among them: one job
--         for each limit that is free and that jobs wait for, and suspects; types [[type, cost, mean service us (-1: none ended)], ...] of
--         those samples; totals [[counter, value], ...]
-- Bounded whatever is queued: how many are due is counted by rank, which types they are is sampled. Up to STRATA * RUN jobs a
-- lane the sample is all of them. A counter by type would be exact, but a second record of where each job is, kept by every
-- script, and could not know which of them are due.
-- uses: base limiter
local STRATA, RUN = 32, 4  -- 1 to 1.7 ms of the server with four long lanes
local lanes, kinds = {}, {}

local function add(name, jobs, oldest, names)
  local by_kind, sample = {}, {}
  for _, job in ipairs(names) do
    local kind = parse(job).type
    if kind then
      by_kind[kind] = (by_kind[kind] or 0) + 1
      kinds[kind] = true
    end
  end
  for kind, times in pairs(by_kind) do sample[#sample + 1] = { kind, times } end
  lanes[#lanes + 1] = { name, jobs, tonumber(oldest) or 0, sample }
end

-- The first `jobs` members: all, or a few in a row from a random place of each of STRATA equal parts.
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
  local key = P .. 'ready:' .. lane
  local jobs = redis.call('ZCOUNT', key, '-inf', now)
  if jobs > 0 then add(lane, jobs, redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2], sample_of(key, jobs)) end
end
local limits, heads = redis.call('ZCOUNT', P .. 'wake', '-inf', int(now_us)), {}
for _, narrow in ipairs(redis.call('ZRANGE', P .. 'wake', 0, math.min(limits, STRATA) - 1)) do
  heads[#heads + 1] = redis.call('ZRANGE', P .. 'parked:' .. narrow, 0, 0)[1]
end
local suspects = redis.call('ZCARD', P .. 'suspects')
if suspects > 0 then
  for _, name in ipairs(redis.call('ZRANGE', P .. 'suspects', 0, STRATA - 1)) do heads[#heads + 1] = name end
end
if limits + suspects > 0 then add('parked', limits + suspects, nil, heads) end

local types, names = {}, {}
for kind in pairs(kinds) do names[#names + 1] = kind end
if #names > 0 then
  local lines = redis.call('HMGET', P .. 'types', unpack(names))
  for i, service in ipairs(redis.call('HMGET', P .. 'service', unpack(names))) do
    local cost = lines[i] and whole(string.match(lines[i], '^[^|]*|(%d+)')) or 1
    types[i] = { names[i], cost, service and whole(string.match(service, '^%d+')) or -1 }
  end
end
local workers, beats = 0, redis.call('HVALS', P .. 'workers')
for _, beat in ipairs(beats) do
  local seen = whole(string.match(beat, '^%d+'))
  if seen and now - seen <= ALIVE_MS then workers = workers + 1 end
end
local running = redis.call('ZCARD', P .. 'leased')
local totals = {}
for name, total in pairs(read_balanced()) do totals[#totals + 1] = { name, total } end
return cmsgpack.pack({ now, rate() or 0, running, redis.call('ZCARD', P .. 'dead'), workers,
  lanes, types, totals })
