-- Counters of `metrics`. The equation of `taskqueue audit`: jobs IN = jobs OUT + jobs that wait or are leased.
local IN = { 'emitted', 'enqueued', 'redriven' }
local OUT = { 'done', 'dead', 'expired', 'skipped', 'replaced', 'cancelled' }
local counts = {}
local function count(name, by) counts[name] = (counts[name] or 0) + (by or 1) end

-- Reads all counters. Never empty: cmsgpack packs {} as a list.
local function read_totals()
  local totals, list = { emitted = 0 }, redis.call('HGETALL', P .. 'metrics')
  for i = 1, #list, 2 do
    local number = whole(list[i + 1])
    if not number then
      note('metrics ' .. list[i])
      redis.call('HSET', P .. 'metrics', list[i], 0)
      unbalanced, number = math.huge, 0
    end
    if string.find(list[i], '^[%w_]+$') then totals[list[i]] = number end
  end
  return totals
end

-- Returns every lane with jobs, as QUEUE:LANE (lib/queues.lua). GLOBAL: the queue of the types without a limit of their
-- own.
local GLOBAL = 'global'
local function list_lanes_with_jobs()
  local lanes = redis.call('ZRANGE', P .. 'lanes_busy', 0, -1)
  for _, lane in ipairs(redis.call('ZRANGE', P .. 'lanes_due', 0, -1)) do lanes[#lanes + 1] = lane end
  return lanes
end

-- Counts the jobs of the store. parked: with suspects, as both wait outside the lanes.
local function count_jobs()
  local suspects, leased = redis.call('ZCARD', P .. 'suspects'), redis.call('ZCARD', P .. 'leases')
  local jobs = { ready = {}, suspects = suspects, leased = leased }
  jobs.all, jobs.parked = jobs.leased, jobs.suspects
  for _, lane in ipairs(LANES) do jobs.ready[lane] = 0 end
  for _, lane in ipairs(list_lanes_with_jobs()) do
    local ready, priority = redis.call('ZCARD', P .. 'ready:' .. lane), string.match(lane, '%l+$')
    if jobs.ready[priority] then jobs.ready[priority], jobs.all = jobs.ready[priority] + ready, jobs.all + ready end
  end
  for _, limit in ipairs(redis.call('ZRANGE', P .. 'limits_free_at', 0, -1)) do
    jobs.parked = jobs.parked + redis.call('ZCARD', P .. 'parked:' .. limit)
  end
  jobs.all = jobs.all + jobs.parked
  return jobs
end

-- Returns IN - OUT - jobs; 0 where every job is in exactly one place.
local function difference(totals, jobs)
  local missing = -jobs.all
  for _, name in ipairs(IN) do missing = missing + (totals[name] or 0) end
  for _, name in ipairs(OUT) do missing = missing - (totals[name] or 0) end
  return missing
end

-- Returns an index that was set aside and not yet rebuilt, if there is one: without it the jobs cannot be counted.
local INDEXES = { 'limits_free_at', 'lanes_busy', 'lanes_due' }
local function index_lost()
  for _, index in ipairs(INDEXES) do
    if redis.call('HEXISTS', P .. 'malformed', index) == 1 then return index end
  end
end

-- Makes the counters fit the jobs after malformed values were removed. Whether a removed member was a job is not known,
-- but the equation held before: the difference is the number of lost jobs, and counts as skipped.
local balancing = false
function balance()
  if balancing or unbalanced + surplus == 0 then return end
  balancing = true
  while unbalanced + surplus > 0 do
    local most, again = unbalanced, unbalanced == math.huge and math.huge or surplus
    unbalanced, surplus = 0, 0
    local jobs, totals = count_jobs(), read_totals()
    if unbalanced > 0 then
      unbalanced = math.huge  -- the count found more malformed values: count again
    elseif index_lost() then
      redis.call('HSET', P .. 'malformed', 'jobs', 'are accounted for once ' .. index_lost() .. ' is rebuilt')
    else
      local missing = difference(totals, jobs)
      if missing > 0 then increment('skipped', math.min(missing, most)) end
      if missing < 0 and again > 0 then increment('emitted', math.min(-missing, again)) end
    end
  end
  balancing = false
end

-- Reads the counters after malformed values found so far are accounted for.
local function read_balanced()
  local totals = read_totals()
  if unbalanced == 0 then return totals end
  balance()
  return read_totals()
end

-- Writes several counts by two commands; leaves them to `increment` if one of the counters cannot be read.
local function write_counts(names)
  local fields = {}
  for i, text in ipairs(redis.call('HMGET', P .. 'metrics', unpack(names))) do
    local number = whole(text or '0')
    if not number then return end
    fields[2 * i - 1], fields[2 * i] = names[i], int(number + counts[names[i]])
  end
  redis.call('HSET', P .. 'metrics', unpack(fields))
  counts = {}
end

-- Writes the counts of this call. Every script that counts ends with it.
local function flush_counts()
  local names = {}
  for name in pairs(counts) do names[#names + 1] = name end
  if #names > 2 then write_counts(names) end
  for name, by in pairs(counts) do increment(name, by) end
  counts = {}
  balance()
end
