-- claim: settles the results of the previous batch, returns expired leases, then takes jobs whose start fits the limit.
-- KEYS  1 prefix
-- ARGV  1 worker (incarnation and channel)  2 seq (grows by 1 a call)  3 n (free slots)  4 lease ms
--       5 results, msgpack [[member, verb, wait ms, text, ran us], ...]  6 has a time to come back already (1 or 0)
--       7 suspects: 0 not now, 1 would run one alone, 2 runs nothing and waits for one
-- Output  msgpack [now us, version, rate, come back us, [[member, start us, params, failures, losses], ...], alone, closed us]
--         rate -1: none configured; come back -1: call when there is room; 0: the time that the worker has is enough
--         alone 1: become empty and come with suspects = 2; 2: the one job given is a suspect, run nothing beside it
--         closed: until then a handler has shut the global limit; 0: it is open
-- Repeating a call (same worker and seq) gives the same jobs again, less those lost meanwhile, and settles nothing twice.
-- uses: base facts limiter narrow settle
jobs_move = true
local EARLY_US = 10000     -- a job may be taken this long before its due: longer would make later work wait for its slot
local LEAD_US = 6000       -- a worker is called back this long before a due, and may come this much before that
local PROMPT_US = 3000
local EXAMINED_MAX = 200   -- bounds a call that parks or drops more than it starts
local AHEAD_US = 1000000   -- dues are covered this far ahead; whoever is not needed for them idles
local TURNS_US, SPARE_US = 550000, 450000  -- slots of a backlog are, too: by who just took some; not quite as far, by anybody
local IDLE_US, IDLE_MAX_US = 200000, 15000000  -- idle workers poll in turn, one each IDLE_US, none less often than the second
local REAP_MAX = 20
local UNREADABLE_US, RECORD_MS = 1000000, 60000  -- a type that cannot be read is looked at again so often; a user's record, so long

local worker, seq, n, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local memory = P .. 'claims:' .. worker

local function reply(limiter, come_us, jobs, alone)
  local closed_us = limiter.closed > now_us and math.floor(limiter.closed) or 0
  local per_second = limiter.T and STRETCH * 1000000 / limiter.T or -1
  return cmsgpack.pack({ now_us, limiter.version, per_second, math.floor(come_us), jobs, alone or 0, closed_us })
end

local limiter = open_limiter(lease_ms)
born_us, stepped_us = limiter.born, limiter.stepped

-- What the last call gave; nil where that cannot be read: then it counts as another call, and its leases run out.
local function recall(text)
  local known, jobs = unpacked(text), {}
  if type(known) ~= 'table' then return end
  for _, job in ipairs(known) do
    if type(job) ~= 'table' or type(job[1]) ~= 'string' or type(job[2]) ~= 'number' or type(job[3]) ~= 'string'
      or type(job[4]) ~= 'number' or type(job[5]) ~= 'number' or (job[2] + job[4] + job[5]) % 1 ~= 0 or parse((split_lease(job[1]))).malformed then return end
    if redis.call('ZSCORE', P .. 'leased', job[1]) then jobs[#jobs + 1] = job end
  end
  return jobs
end

local before = redis.call('HMGET', memory, 'seq', 'jobs', 'alone')
local recalled = before[1] == seq and recall(before[2])
if before[1] and not whole(before[1]) or recalled == nil then note('claims:' .. worker, 'cannot be read', true) end
if recalled then
  close_limiter(limiter)
  flush_counts()
  return reply(limiter, now_us, recalled, whole(before[3]))
end
if (whole(before[1]) or 0) > tonumber(seq) then  -- a copy of an old call, held up on the way: nobody reads the answer
  close_limiter(limiter)
  flush_counts()
  return reply(limiter, now_us, {})
end

for _, result in ipairs(cmsgpack.unpack(ARGV[5])) do
  settle(result[1], result[2], result[3], result[4], result[5])
  if result[2] == 'c' and result[4] == 'global' then
    shut(limiter, now_us + result[3] * 1000, string.match(result[1], '^[^|]*|[^|]*'))
  end
end
if now_us >= limiter.reap then
  local expired = redis.call('ZRANGEBYSCORE', P .. 'leased', '-inf', now, 'WITHSCORES', 'LIMIT', 0, REAP_MAX)
  for i = 1, #expired, 2 do reap(expired[i], tonumber(expired[i + 1]), limiter.born, lease_ms) end
end

local jobs, horizon = {}, now_us + HORIZON_US
local soon = now + EARLY_US / 1000
local leases, claimed = {}, {}
local examined, limited = 0, false

-- What an operator paused; empty as a rule.
local paused = {}
if n > 0 then
  local list = redis.call('HGETALL', P .. 'overrides')
  for i = 1, #list, 2 do
    local expires = whole(string.match(list[i + 1], '|(%d+)$'))
    if not expires then note('overrides ' .. list[i]) end
    paused[list[i]] = expires ~= nil and (expires == 0 or expires > now)
  end
end

local function drop(job, reason)
  count(reason)
  finish(job)
  return 'gone'
end

-- A subscription whose record cannot be read may be suspended, and its params are not known: its job waits for the record to be
-- published again, but not for ever.
local function await_record(job, place)
  note(place)
  if now > job.due + RECORD_MS then return drop(job, 'skipped') end
  return 'deferred'
end

-- Starts a job at start_us, or says where it went: 'gone', 'deferred', or the narrow limit it must wait for.
local function admit(job, start_us, place)
  if job.malformed then
    discard(place, job.name)
    return 'gone'
  end
  local known, record = facts(job.type), nil
  if not known then return drop(job, 'skipped') end
  if known.malformed and not (job.life > 0 and now > job.due + job.life) then
    tats['type:' .. job.type] = now_us + UNREADABLE_US
    return 'type:' .. job.type
  end
  if not job.adhoc then
    if known.suspended or paused[job.type] then return drop(job, 'skipped') end
    local place = 'users:' .. job.user .. ':tasks'
    record = redis.call('HGET', P .. place, job.type)
    if not record then
      if redis.call('HEXISTS', P .. 'malformed', place) == 1 then return await_record(job, place .. ' ' .. job.type) end
      return drop(job, 'skipped')
    end
  end
  if job.life > 0 and now > job.due + job.life then return drop(job, 'expired') end
  local number, suspended, params
  if record then
    number, suspended, params = string.match(record, '^(%d+)(s?)(.*)$')
    if not number or #number > 16 then return await_record(job, 'users:' .. job.user .. ':tasks ' .. job.type) end
  end
  if suspended == 's' then return drop(job, 'skipped') end

  local pair, holder = job.type .. '|' .. job.user, nil
  if known.policy ~= 'Allow' then
    holder = redis.call('HGET', P .. 'live', pair)
    if holder and not redis.call('ZSCORE', P .. 'leased', holder) then holder = nil end
    if holder and known.policy == 'Forbid' then
      if not job.adhoc then return drop(job, 'skipped') end
      return 'deferred'
    end
  end

  local by_type, by_user = 'type:' .. job.type, 'user:' .. job.user
  local type_narrow = known.type_us > 0 or closed_until(by_type) > now_us
  local user_narrow = known.user_us > 0 or closed_until(by_user) > now_us
  if type_narrow and narrow_tat(by_type, known.type_us) - NARROW_TOLERANCE_US > start_us then return by_type end
  if user_narrow and narrow_tat(by_user, known.user_us) - NARROW_TOLERANCE_US > start_us then return by_user end
  if type_narrow then book_narrow(by_type, known.type_us, start_us, known.cost) end
  if user_narrow then book_narrow(by_user, known.user_us, start_us, known.cost) end

  if holder then  -- Replace: its worker learns at the next heartbeat that the lease is gone
    redis.call('ZREM', P .. 'leased', holder)
    count('replaced')
    local ended = parse((split_lease(holder)))
    if not ended.malformed then finish(ended) end
    for i = #jobs, 1, -1 do  -- it may have been given out by this very call
      if jobs[i][1] == holder then
        table.remove(jobs, i)
        table.remove(claimed, i)
      end
    end
  end
  local member, expiry = job.name .. '|' .. worker .. '|' .. seq, math.floor(start_us / 1000) + lease_ms
  if known.policy ~= 'Allow' then  -- leased at once: the next job of this call may be of the same subscription
    member = member .. 'x'
    redis.call('HSET', P .. 'live', pair, member)
    redis.call('ZADD', P .. 'leased', expiry, member)
  else
    leases[#leases + 1] = expiry
    leases[#leases + 1] = member
  end
  if job.adhoc then params = redis.call('HGET', P .. 'payload', job.name) end
  book(limiter, start_us, known.cost)
  claimed[#claimed + 1] = job.name
  jobs[#jobs + 1] = { member, math.floor(start_us), params or '', 0, 0 }
  return 'started'
end

-- The next jobs that are due and fit between start_us and the horizon, at most `most`: lane by lane in the order of TURNS
-- (taskqueue.plan.lanes), then ordered by due. What fits is reckoned by cost, for of more than that the oldest would start, and old lanes would starve new ones.
local function pick(most, start_us)
  local left, total = {}, 0
  for i, lane in ipairs(LANES) do
    left[i] = math.min(most, redis.call('ZCOUNT', P .. 'ready:' .. lane, '-inf', soon))
    total = total + left[i]
  end
  local quota, turns, positions = { 0, 0, 0, 0 }, {}, {}
  local position = limiter.lane % #TURNS
  most = math.min(most, total)
  while #turns < most do
    local turn = TURNS[position + 1]
    position = (position + 1) % #TURNS
    if quota[turn] < left[turn] then
      quota[turn] = quota[turn] + 1
      turns[#turns + 1] = turn
      positions[#positions + 1] = position
    end
  end
  local rows, taken, picked = {}, { 0, 0, 0, 0 }, {}
  for i, lane in ipairs(LANES) do
    if quota[i] > 0 then
      rows[i] = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. lane, '-inf', soon, 'WITHSCORES', 'LIMIT', 0, quota[i])
    end
  end
  for k, turn in ipairs(turns) do
    if start_us > horizon then break end
    local row = taken[turn] * 2
    local job = parse(rows[turn][row + 1])
    job.score, job.lane, job.rank = tonumber(rows[turn][row + 2]), turn, k
    picked[#picked + 1] = job
    taken[turn] = taken[turn] + 1
    limiter.lane = positions[k]
    local known = not job.malformed and facts(job.type)
    start_us = start_us + (known and known.cost or 0) * limiter.T
  end
  -- Ties keep their order, so that what leaves a lane is always its head.
  table.sort(picked, function(a, b) return a.score < b.score or (a.score == b.score and a.rank < b.rank) end)
  return picked
end

-- The narrow limits with jobs waiting that are free within the horizon, soonest first.
local waiting = {}
local function wait_for(narrow, free_us)
  local i = #waiting + 1
  while i > 1 and waiting[i - 1].free > free_us do i = i - 1 end
  table.insert(waiting, i, { narrow = narrow, free = free_us })
end

local function take_parked(start_us)
  local entry = table.remove(waiting, 1)
  local narrow, key = entry.narrow, P .. 'parked:' .. entry.narrow
  local name = redis.call('ZRANGE', key, 0, 0)[1]
  if name then
    local job = parse(name)
    local outcome = admit(job, math.max(start_us, entry.free), 'parked:' .. narrow)
    if outcome == 'deferred' then
      make_ready(job, now + 1000)
    elseif outcome ~= 'gone' and outcome ~= 'started' and outcome ~= narrow then
      park(job, outcome, tats[outcome] - NARROW_TOLERANCE_US)
    end
    if outcome ~= narrow then redis.call('ZREM', key, name) end
  end
  if redis.call('EXISTS', key) == 0 then
    redis.call('ZREM', P .. 'wake', narrow)
    if not string.find(narrow, '^type:.') and not string.find(narrow, '^user:.') then
      note('wake ' .. narrow, 'was no limit, removed', true)
    end
    return
  end
  local free = tats[narrow] and tats[narrow] - NARROW_TOLERANCE_US or entry.free
  redis.call('ZADD', P .. 'wake', int(math.ceil(free)), narrow)
  if free <= horizon then wait_for(narrow, free) end
end

-- Suspects (see reap) wait in a place of their own, for a worker that runs nothing else. One worker of ten at a time, or the only
-- one, is asked to become empty; it comes when it is, and a worker that was asked and vanished is replaced after a lease.
local SUSPECTS_MAX = 20  -- looked at in one call
local alone = 0
local function take_suspect(key)
  for _, name in ipairs(redis.call('ZRANGE', P .. 'suspects', 0, SUSPECTS_MAX - 1)) do
    local start_us = math.max(now_us, limiter.tat)
    if start_us > horizon then return 1 end
    local outcome = admit(parse(name), start_us, 'suspects')
    if outcome == 'started' or outcome == 'gone' then
      redis.call('ZREM', P .. 'suspects', name)
    else
      redis.call('ZADD', P .. 'suspects', now, name)  -- its limit is not free: behind the others
    end
    if outcome == 'started' then
      redis.call('SET', key, jobs[1][1], 'PX', lease_ms)
      return 2
    end
  end
  return 0
end
if n > 0 and limiter.T and ARGV[7] ~= '0' and redis.call('EXISTS', P .. 'suspects') == 1 then
  local turns = math.max(1, math.floor(redis.call('HLEN', P .. 'workers') / 10))
  local mine = worker_of('|' .. worker .. '|')
  local key = P .. 'alone:' .. int((tonumber(string.sub(mine, -4), 16) or 0) % turns)
  if ARGV[7] == '2' then
    alone = take_suspect(key)
  else
    local holder = redis.call('GET', key)  -- the worker asked, then what it was given
    if holder and string.find(holder, '|', 1, true) and not redis.call('ZSCORE', P .. 'leased', holder) then holder = nil end
    if not holder then
      redis.call('SET', key, mine, 'PX', lease_ms)
      alone = 1
    end
  end
end
local waits_alone = alone == 2 or alone == 1 and ARGV[7] == '2'

-- Whoever comes while more than half of the horizon is given away leaves the rest to the one whose turn it is: a call then
-- takes half a horizon's worth or nothing, and not every idle worker that polls a part. No job starts later for it.
if waits_alone then
  limited = alone == 1
elseif limiter.tat > now_us + HORIZON_US / 2 + PROMPT_US then
  limited = limiter.T ~= nil  -- without a rate there is no time at which it would be worth to call
elseif n > 0 and limiter.T then
  local rows = redis.call('ZRANGEBYSCORE', P .. 'wake', '-inf', int(horizon), 'WITHSCORES', 'LIMIT', 0, n)
  for i = 1, #rows, 2 do waiting[#waiting + 1] = { narrow = rows[i], free = tonumber(rows[i + 1]) } end
  local picked, at, gone, parked_last = {}, 1, {}, false
  local function remove_gone()
    for lane, heads in pairs(gone) do redis.call('ZREMRANGEBYRANK', P .. 'ready:' .. LANES[lane], 0, heads - 1) end
    gone = {}
  end
  while #jobs < n and examined < EXAMINED_MAX do
    local start_us = math.max(now_us, limiter.tat)
    if start_us > horizon then
      limited = true
      break
    end
    if at > #picked then
      remove_gone()
      picked, at = pick(math.min(n - #jobs, math.floor((horizon - start_us) / limiter.T) + 1), start_us), 1
    end
    local candidate, head = picked[at], waiting[1]
    local free = head and head.free <= math.max(start_us, now_us + EARLY_US)
    if free and not (parked_last and candidate) then  -- parked jobs take at most every second slot
      take_parked(start_us)
      parked_last = true
    elseif candidate then
      local job = candidate
      local outcome = admit(job, math.max(start_us, job.score * 1000), 'ready:' .. LANES[job.lane])
      if outcome == 'deferred' then  -- in the lane where it is: the type's priority may have changed
        redis.call('ZADD', P .. 'ready:' .. LANES[job.lane], now + 1000, job.name)
      else
        if outcome ~= 'gone' and outcome ~= 'started' then park(job, outcome, tats[outcome] - NARROW_TOLERANCE_US) end
        gone[job.lane] = (gone[job.lane] or 0) + 1
      end
      at = at + 1
      parked_last = false
    else
      break
    end
    examined = examined + 1
  end
  remove_gone()
end

if #leases > 0 then redis.call('ZADD', P .. 'leased', unpack(leases)) end
if #jobs > 0 then
  if redis.call('EXISTS', P .. 'attempts') == 1 then
    for i, record in ipairs(redis.call('HMGET', P .. 'attempts', unpack(claimed))) do
      if record then
        jobs[i][4], jobs[i][5] = read_attempts(claimed[i], record)
      end
    end
  end
  count('started', #jobs)
end
flush_forgotten()
flush_served()
flush_narrow()

-- When to come back. Each caller gets a time of its own, so that a start costs about one call however many workers idle.
-- limiter.wake, limiter.turn: up to here (us) the dues, and the slots of a backlog, are covered by a call that some worker was
-- told to make. Two facts: turns may reach far ahead, and when the backlog ends, the dues after it are nobody's yet.
local come_us = -1
if waits_alone then
  come_us = alone == 1 and math.max(now_us, limiter.tat - HORIZON_US / 2) or -1
elseif n > 0 and #jobs < n then
  if examined >= EXAMINED_MAX then
    come_us = now_us
  elseif limited and limiter.turn - now_us <= (#jobs > 0 and TURNS_US or SPARE_US) then
    come_us = math.max(limiter.turn, limiter.tat - HORIZON_US / 2, now_us)
    limiter.turn = come_us + math.min(HORIZON_US / 2, n * limiter.T)
  elseif limiter.T and not limited then
    local covered = math.max(limiter.wake, now_us + EARLY_US)
    local next_us = math.huge
    for _, lane in ipairs(LANES) do
      local row = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. lane, '(' .. int(math.floor(covered / 1000)), '+inf',
        'WITHSCORES', 'LIMIT', 0, 1)
      if row[2] then next_us = math.min(next_us, row[2] * 1000) end
    end
    local row = redis.call('ZRANGEBYSCORE', P .. 'wake', '(' .. int(covered), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if row[2] then next_us = math.min(next_us, tonumber(row[2])) end
    if next_us - now_us <= AHEAD_US then
      come_us = next_us - LEAD_US
      limiter.wake = come_us + EARLY_US - PROMPT_US
    end
  end
  if come_us < 0 and ARGV[6] == '1' then
    come_us = 0  -- else every call made for results or for an ad hoc job would leave one more time to poll behind, for good
  elseif come_us < 0 then
    limiter.idle = math.min(math.max(limiter.idle, now_us) + IDLE_US, now_us + IDLE_MAX_US)
    come_us = limiter.idle
  end
end

redis.call('HSET', memory, 'seq', seq, 'jobs', cmsgpack.pack(jobs), 'alone', alone)
redis.call('PEXPIRE', memory, lease_ms)
close_limiter(limiter)
flush_counts()
return reply(limiter, come_us, jobs, alone)
