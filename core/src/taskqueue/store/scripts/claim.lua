-- claim: settles results of the previous batch, takes expired leases back, then leases jobs whose starts fit the
-- limits.
-- KEYS  1 prefix
-- ARGV  1 worker, NAME.CHANNEL  2 seq, grows by 1 a call  3 free concurrency slots  4 lease ms
--       5 results, msgpack [[leased job, outcome, wait ms, text, ran us], ...] (lib/settle.lua)
--       6 whether the worker has a time to call again that lies ahead, 1 or 0
--       7 suspects: 0 not now, 1 would run one alone, 2 runs nothing and waits for one
-- Output  msgpack [now us, version, rate, next call us, [[leased job, start us, params, failures, losses], ...],
--         isolation, closed until us]
--         rate: -1 if none is set. next call: -1 as soon as a slot is free, 0 the worker's own time is enough
--         isolation: 1 become empty and call with suspects = 2; 2 the one job is a suspect, run no other with it
--         closed until: a handler closed the global limit until then; 0 if it is open
-- A repeated call (same worker and seq) gives the same jobs, less those lost meanwhile, and settles nothing twice.
-- uses: base types limiter limits settle
jobs_move = true
local EARLY_US = 10000      -- a job may be leased this long before its due; longer would make later jobs wait
local LEAD_US = 6000        -- a worker is called back this long before a due
local PROMPT_US = 3000      -- a worker that was called back may be early by this
local MAX_EXAMINED = 200    -- jobs examined in a call: bounds a call that parks or drops more than it starts
local AHEAD_US = 1000000    -- dues are covered this far ahead; a worker not needed for them idles
local TURNS_US = 550000     -- slots of a backlog are covered this far ahead by a worker that just took some
local SPARE_US = 450000     -- and this far by any other worker
local IDLE_US = 200000      -- idle workers poll in turn, one each IDLE_US
local IDLE_MAX_US = 15000000  -- longest time between two polls of a worker
local MAX_REAP = 20         -- expired leases taken back in a call
local UNREADABLE_US = 1000000  -- an unreadable type is read again after this
local RECORD_MS = 60000     -- a job waits this long for an unreadable subscription

local worker, seq, max_jobs, lease_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local claims_key = P .. 'claims:' .. worker

local function reply(limiter, next_call_us, jobs, isolation)
  local closed_us = limiter.closed_until_us > now_us and math.floor(limiter.closed_until_us) or 0
  local per_second = limiter.slot_us and STRETCH * 1000000 / limiter.slot_us or -1
  return cmsgpack.pack({
    now_us, limiter.version, per_second, math.floor(next_call_us), jobs, isolation or 0, closed_us,
  })
end

local limiter = load_limiter(lease_ms)
first_seen_us, stepped_back_us = limiter.first_seen_us, limiter.stepped_back_us

local function is_job(job)
  return type(job) == 'table' and type(job[1]) == 'string' and type(job[2]) == 'number' and type(job[3]) == 'string'
    and type(job[4]) == 'number' and type(job[5]) == 'number' and (job[2] + job[4] + job[5]) % 1 == 0
    and not parse((split_leased(job[1]))).malformed
end

-- Returns the jobs of the last call that are still leased; nil if its record cannot be read: then this is a new call,
-- and those leases expire.
local function recall(text)
  local given, jobs = unpacked(text), {}
  if type(given) ~= 'table' then return end
  for _, job in ipairs(given) do
    if not is_job(job) then return end
    if redis.call('ZSCORE', P .. 'leases', job[1]) then jobs[#jobs + 1] = job end
  end
  return jobs
end

local previous = redis.call('HMGET', claims_key, 'seq', 'jobs', 'isolation')
local recalled = previous[1] == seq and recall(previous[2])
if previous[1] and not whole(previous[1]) or recalled == nil then note('claims:' .. worker, 'cannot be read', true) end
if recalled then
  save_limiter(limiter)
  flush_counts()
  return reply(limiter, now_us, recalled, whole(previous[3]))
end
if (whole(previous[1]) or 0) > tonumber(seq) then  -- a late copy of an old call: its answer is not read
  save_limiter(limiter)
  flush_counts()
  return reply(limiter, now_us, {})
end

for _, result in ipairs(cmsgpack.unpack(ARGV[5])) do
  settle(result[1], result[2], result[3], result[4], result[5])
  if result[2] == 'c' and result[4] == 'global' then
    close_global(limiter, now_us + result[3] * 1000, string.match(result[1], '^[^|]*|[^|]*'))
  end
end
if now_us >= limiter.reap_from_us then
  local expired = redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'WITHSCORES', 'LIMIT', 0, MAX_REAP)
  for i = 1, #expired, 2 do reap(expired[i], tonumber(expired[i + 1]), limiter.first_seen_us, lease_ms) end
end

local jobs, horizon = {}, now_us + HORIZON_US
local soon = now + EARLY_US / 1000
local leases, claimed = {}, {}
local examined, limited = 0, false

-- Types that an operator paused.
local paused = {}
if max_jobs > 0 then
  local list = redis.call('HGETALL', P .. 'overrides')
  for i = 1, #list, 2 do
    local expires = whole(string.match(list[i + 1], '|(%d+)$'))
    if not expires then note('overrides ' .. list[i]) end
    paused[list[i]] = expires ~= nil and (expires == 0 or expires > now)
  end
end

-- Ends a job that will not run.
local function drop(job, reason)
  count(reason)
  finish(job)
  return 'gone'
end

-- Defers a job of an unreadable subscription, which may be suspended: it waits for the manifests to be published, up to
-- RECORD_MS.
local function await_record(job, place)
  note(place)
  if now > job.due + RECORD_MS then return drop(job, 'skipped') end
  return 'deferred'
end

-- Leases a job to start at start_us. Returns the verdict: 'leased', 'gone' (ended), 'deferred' (try again in a
-- second), or the limit that the job must wait for.
local function admit(job, start_us, place)
  if job.malformed then
    discard(place, job.name)
    return 'gone'
  end
  local task_type, record = find_type(job.type), nil
  if not task_type then return drop(job, 'skipped') end
  if task_type.malformed and not (job.life > 0 and now > job.due + job.life) then
    tats['type:' .. job.type] = now_us + UNREADABLE_US
    return 'type:' .. job.type
  end
  if not job.adhoc then
    if task_type.suspended or paused[job.type] then return drop(job, 'skipped') end
    local place = 'subscriptions:' .. job.user
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
    if not number or #number > 16 then return await_record(job, 'subscriptions:' .. job.user .. ' ' .. job.type) end
  end
  if suspended == 's' then return drop(job, 'skipped') end

  local pair, holder = job.type .. '|' .. job.user, nil
  if task_type.policy ~= 'Allow' then
    holder = redis.call('HGET', P .. 'exclusive', pair)
    if holder and not redis.call('ZSCORE', P .. 'leases', holder) then holder = nil end
    if holder and task_type.policy == 'Forbid' then
      if not job.adhoc then return drop(job, 'skipped') end
      return 'deferred'
    end
  end

  local by_type, by_user = 'type:' .. job.type, 'user:' .. job.user
  local type_limited = task_type.type_us > 0 or closed_until(by_type) > now_us
  local user_limited = task_type.user_us > 0 or closed_until(by_user) > now_us
  if type_limited and limit_tat(by_type, task_type.type_us) - LIMIT_TOLERANCE_US > start_us then return by_type end
  if user_limited and limit_tat(by_user, task_type.user_us) - LIMIT_TOLERANCE_US > start_us then return by_user end
  if type_limited then reserve_limit(by_type, task_type.type_us, start_us, task_type.cost) end
  if user_limited then reserve_limit(by_user, task_type.user_us, start_us, task_type.cost) end

  if holder then  -- Replace: the running job's worker learns at its next heartbeat that the lease is gone
    redis.call('ZREM', P .. 'leases', holder)
    count('replaced')
    local ended = parse((split_leased(holder)))
    if not ended.malformed then finish(ended) end
    for i = #jobs, 1, -1 do  -- this call may have leased it
      if jobs[i][1] == holder then
        table.remove(jobs, i)
        table.remove(claimed, i)
      end
    end
  end
  local leased_job, expiry = job.name .. '|' .. worker .. '|' .. seq, math.floor(start_us / 1000) + lease_ms
  if task_type.policy ~= 'Allow' then  -- leased at once: this call's next job may be of the same subscription
    leased_job = leased_job .. 'x'
    redis.call('HSET', P .. 'exclusive', pair, leased_job)
    redis.call('ZADD', P .. 'leases', expiry, leased_job)
  else
    leases[#leases + 1] = expiry
    leases[#leases + 1] = leased_job
  end
  if job.adhoc then params = redis.call('HGET', P .. 'payload', job.name) end
  reserve(limiter, start_us, task_type.cost)
  claimed[#claimed + 1] = job.name
  jobs[#jobs + 1] = { leased_job, math.floor(start_us), params or '', 0, 0 }
  return 'leased'
end

-- Returns the next due jobs that fit between start_us and the horizon, at most `most`, taken from the lanes in the
-- order of TURNS (taskqueue.plan.lanes) and then sorted by due. Only jobs whose costs fit are taken: of more, the
-- oldest would start, and a lane of old jobs would starve the others.
local function pick(most, start_us)
  local left, quota, taken, total = {}, {}, {}, 0
  for i, lane in ipairs(LANES) do
    quota[i], taken[i] = 0, 0
    left[i] = math.min(most, redis.call('ZCOUNT', P .. 'ready:' .. lane, '-inf', soon))
    total = total + left[i]
  end
  local turns, positions = {}, {}
  local position = limiter.lane_position % #TURNS
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
  local rows, picked = {}, {}
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
    limiter.lane_position = positions[k]
    local task_type = not job.malformed and find_type(job.type)
    start_us = start_us + (task_type and task_type.cost or 0) * limiter.slot_us
  end
  -- Ties keep their order, so that the jobs taken from a lane are always its first ones.
  table.sort(picked, function(a, b) return a.score < b.score or (a.score == b.score and a.rank < b.rank) end)
  return picked
end

-- Limits with parked jobs that are free within the horizon, soonest first.
local waiting = {}
local function wait_for(limit, free_us)
  local i = #waiting + 1
  while i > 1 and waiting[i - 1].free > free_us do i = i - 1 end
  table.insert(waiting, i, { limit = limit, free = free_us })
end

-- Takes the first job of the first waiting limit.
local function take_parked(start_us)
  local entry = table.remove(waiting, 1)
  local limit, key = entry.limit, P .. 'parked:' .. entry.limit
  local name = redis.call('ZRANGE', key, 0, 0)[1]
  if name then
    local job = parse(name)
    local verdict = admit(job, math.max(start_us, entry.free), 'parked:' .. limit)
    if verdict == 'deferred' then
      make_ready(job, now + 1000)
    elseif verdict ~= 'gone' and verdict ~= 'leased' and verdict ~= limit then
      park(job, verdict, tats[verdict] - LIMIT_TOLERANCE_US)
    end
    if verdict ~= limit then redis.call('ZREM', key, name) end
  end
  if redis.call('EXISTS', key) == 0 then
    redis.call('ZREM', P .. 'limits_free_at', limit)
    if not string.find(limit, '^type:.') and not string.find(limit, '^user:.') then
      note('limits_free_at ' .. limit, 'was no limit, removed', true)
    end
    return
  end
  local free = tats[limit] and tats[limit] - LIMIT_TOLERANCE_US or entry.free
  redis.call('ZADD', P .. 'limits_free_at', int(math.ceil(free)), limit)
  if free <= horizon then wait_for(limit, free) end
end

-- Suspects (lib/settle.lua, reap) wait for a worker that runs nothing else. Of ten workers one at a time, or the only
-- one, is asked to become empty, and calls again when it is. isolation:N holds the asked worker, then the leased
-- suspect; a worker that vanishes is replaced after a lease.
local MAX_SUSPECTS = 20  -- suspects examined in a call
local isolation = 0
local function take_suspect(key)
  for _, name in ipairs(redis.call('ZRANGE', P .. 'suspects', 0, MAX_SUSPECTS - 1)) do
    local start_us = math.max(now_us, limiter.tat_us)
    if start_us > horizon then return 1 end
    local verdict = admit(parse(name), start_us, 'suspects')
    if verdict == 'leased' or verdict == 'gone' then
      redis.call('ZREM', P .. 'suspects', name)
    else
      redis.call('ZADD', P .. 'suspects', now, name)  -- its limit is not free: to the end
    end
    if verdict == 'leased' then
      redis.call('SET', key, jobs[1][1], 'PX', lease_ms)
      return 2
    end
  end
  return 0
end
if max_jobs > 0 and limiter.slot_us and ARGV[7] ~= '0' and redis.call('EXISTS', P .. 'suspects') == 1 then
  local isolations = math.max(1, math.floor(redis.call('HLEN', P .. 'workers') / 10))
  local name = worker_of('|' .. worker .. '|')
  local key = P .. 'isolation:' .. int((tonumber(string.sub(name, -4), 16) or 0) % isolations)
  if ARGV[7] == '2' then
    isolation = take_suspect(key)
  else
    local holder = redis.call('GET', key)
    local is_leased_job = holder and string.find(holder, '|', 1, true)
    if is_leased_job and not redis.call('ZSCORE', P .. 'leases', holder) then holder = nil end
    if not holder then
      redis.call('SET', key, name, 'PX', lease_ms)
      isolation = 1
    end
  end
end
local waits_alone = isolation == 2 or isolation == 1 and ARGV[7] == '2'

-- While more than half of the horizon is reserved, a call takes nothing and leaves the rest to the worker that was
-- called back for it: so a call takes half a horizon's worth or nothing, instead of a part for every idle worker that
-- polls. No job starts later.
if waits_alone then
  limited = isolation == 1
elseif limiter.tat_us > now_us + HORIZON_US / 2 + PROMPT_US then
  limited = limiter.slot_us ~= nil  -- without a rate there is no time worth calling at
elseif max_jobs > 0 and limiter.slot_us then
  local rows = redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '-inf', int(horizon),
    'WITHSCORES', 'LIMIT', 0, max_jobs)
  for i = 1, #rows, 2 do waiting[#waiting + 1] = { limit = rows[i], free = tonumber(rows[i + 1]) } end
  local picked, at, gone, parked_last = {}, 1, {}, false
  local function remove_gone()
    for lane, heads in pairs(gone) do redis.call('ZREMRANGEBYRANK', P .. 'ready:' .. LANES[lane], 0, heads - 1) end
    gone = {}
  end
  while #jobs < max_jobs and examined < MAX_EXAMINED do
    local start_us = math.max(now_us, limiter.tat_us)
    if start_us > horizon then
      limited = true
      break
    end
    if at > #picked then
      remove_gone()
      local fit = math.floor((horizon - start_us) / limiter.slot_us) + 1
      picked, at = pick(math.min(max_jobs - #jobs, fit), start_us), 1
    end
    local candidate, head = picked[at], waiting[1]
    local free = head and head.free <= math.max(start_us, now_us + EARLY_US)
    if free and not (parked_last and candidate) then  -- parked jobs take at most every second slot
      take_parked(start_us)
      parked_last = true
    elseif candidate then
      local job = candidate
      local verdict = admit(job, math.max(start_us, job.score * 1000), 'ready:' .. LANES[job.lane])
      if verdict == 'deferred' then  -- in its present lane: the type's priority may have changed
        redis.call('ZADD', P .. 'ready:' .. LANES[job.lane], now + 1000, job.name)
      else
        if verdict ~= 'gone' and verdict ~= 'leased' then park(job, verdict, tats[verdict] - LIMIT_TOLERANCE_US) end
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

if #leases > 0 then redis.call('ZADD', P .. 'leases', unpack(leases)) end
if #jobs > 0 then
  if redis.call('EXISTS', P .. 'attempts') == 1 then
    for i, record in ipairs(redis.call('HMGET', P .. 'attempts', unpack(claimed))) do
      if record then
        jobs[i][4], jobs[i][5] = read_attempts(claimed[i], record)
      end
    end
  end
  count('leased', #jobs)
end
flush_forgotten()
flush_served()
flush_limits()

-- next call: when the worker calls again. Each worker gets a time of its own, so that a start costs about one call,
-- however many workers idle. Up to due_covered_us the dues, up to backlog_covered_us the slots of a backlog are covered
-- by a call that some worker was told to make. They are two: a backlog may be covered far ahead, and when it ends early
-- the dues after it are not.
local next_call_us = -1
if waits_alone then
  next_call_us = isolation == 1 and math.max(now_us, limiter.tat_us - HORIZON_US / 2) or -1
elseif max_jobs > 0 and #jobs < max_jobs then
  if examined >= MAX_EXAMINED then
    next_call_us = now_us
  elseif limited and limiter.backlog_covered_us - now_us <= (#jobs > 0 and TURNS_US or SPARE_US) then
    next_call_us = math.max(limiter.backlog_covered_us, limiter.tat_us - HORIZON_US / 2, now_us)
    limiter.backlog_covered_us = next_call_us + math.min(HORIZON_US / 2, max_jobs * limiter.slot_us)
  elseif limiter.slot_us and not limited then
    local covered = math.max(limiter.due_covered_us, now_us + EARLY_US)
    local next_us = math.huge
    for _, lane in ipairs(LANES) do
      local row = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. lane, '(' .. int(math.floor(covered / 1000)), '+inf',
        'WITHSCORES', 'LIMIT', 0, 1)
      if row[2] then next_us = math.min(next_us, row[2] * 1000) end
    end
    local row = redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '(' .. int(covered), '+inf',
      'WITHSCORES', 'LIMIT', 0, 1)
    if row[2] then next_us = math.min(next_us, tonumber(row[2])) end
    if next_us - now_us <= AHEAD_US then
      next_call_us = next_us - LEAD_US
      limiter.due_covered_us = next_call_us + EARLY_US - PROMPT_US
    end
  end
  if next_call_us < 0 and ARGV[6] == '1' then
    next_call_us = 0  -- or every call made for results or an ad hoc job would add a poll, for good
  elseif next_call_us < 0 then
    limiter.idle_poll_us = math.min(math.max(limiter.idle_poll_us, now_us) + IDLE_US, now_us + IDLE_MAX_US)
    next_call_us = limiter.idle_poll_us
  end
end

redis.call('HSET', claims_key, 'seq', seq, 'jobs', cmsgpack.pack(jobs), 'isolation', isolation)
redis.call('PEXPIRE', claims_key, lease_ms)
save_limiter(limiter)
flush_counts()
return reply(limiter, next_call_us, jobs, isolation)
