-- What became of leased jobs. Removing the exact leased member proves ownership: a result for a lease that was reaped or
-- replaced changes nothing, so results may be repeated. verb: d(one) r(etry ms) x (dead) l(eave: not started, ms) c(losed: ms).
local POISON_LOSSES = 3
local VANISHED_MS = 3600000
local DEAD_MAX, DEAD_MAX_MS = 10000, 30 * 86400000  -- the dead letters are bounded by count and by age
local SERVICE_JOBS = 50  -- a type's mean service time follows about its last so many jobs
local forget, forget_payload = {}, {}
local served, served_us = {}, {}

local function split_lease(member)
  local job, fence = string.match(member, '^(.*)|[^|]*|([^|]*)$')
  return job or '', job ~= nil and string.sub(fence, -1) == 'x'
end

-- Reads failures and losses; none, where they cannot be read.
local function read_attempts(name, record)
  local failures, losses, alone, suspect = string.match(record, '^(%d+)|(%d+)|?(%d*)(s?)$')
  failures, losses, alone = whole(failures), whole(losses), whole(alone) or 0
  if not (failures and losses and failures < 1e6 and losses < 1e6 and alone < 1e6) then
    note('attempts ' .. name)
    return 0, 0, 0, false
  end
  return failures, losses, alone, suspect == 's'
end

-- `attempts`: job -> FAILURES|LOSSES|ALONE, then "s" while the job is a suspect. LOSSES: leases of it that ran out; ALONE: how many
-- of those took down a worker that ran nothing else.
local function attempts_of(name)
  local record = redis.call('HGET', P .. 'attempts', name)
  if not record then return 0, 0, 0, false end
  return read_attempts(name, record)
end

local function remember_attempts(name, failures, losses, alone, suspect)
  redis.call('HSET', P .. 'attempts', name, failures .. '|' .. losses .. '|' .. alone .. (suspect and 's' or ''))
end

local function make_ready(job, score)
  local known = facts(job.type)
  redis.call('ZADD', P .. 'ready:' .. (known and known.lane or DEFAULT_LANE), score, job.name)
  note_move(job)
end

-- Back to where it was claimed from. A due that lies ahead, though the job was claimed, is of a clock that was set back since.
local function put_back(job, suspect)
  if suspect then
    redis.call('ZADD', P .. 'suspects', now, job.name)
  else
    make_ready(job, job.due > now + 1000 and now or job.due)
  end
end

local function finish(job)
  forget[#forget + 1] = job.name
  if job.adhoc then forget_payload[#forget_payload + 1] = job.name end
end

local function bury(job, reason, failures, losses)
  local body = { reason = reason, failures = failures, losses = losses, at = now }
  if job.adhoc then body.payload = redis.call('HGET', P .. 'payload', job.name) or nil end
  redis.call('ZADD', P .. 'dead', now, job.name)
  redis.call('HSET', P .. 'dead:body', job.name, cmsgpack.pack(body))
  count('dead')
  finish(job)
  local old = redis.call('ZRANGEBYSCORE', P .. 'dead', '-inf', now - DEAD_MAX_MS, 'LIMIT', 0, 10)
  if #old == 0 and redis.call('ZCARD', P .. 'dead') > DEAD_MAX then old = redis.call('ZRANGE', P .. 'dead', 0, 0) end
  if #old > 0 then
    redis.call('ZREM', P .. 'dead', unpack(old))
    redis.call('HDEL', P .. 'dead:body', unpack(old))
    count('forgotten', #old)
  end
end

local function remember_run(job, outcome)
  redis.call('HSET', P .. 'users:' .. job.user .. ':runs', job.type, outcome .. int(math.floor(now / 1000)))
end

local function settle(member, verb, wait_ms, text, ran_us)
  if redis.call('ZREM', P .. 'leased', member) == 0 then return end
  local name, live = split_lease(member)
  local job = parse(name)
  if job.malformed then return discard('leased', member) end
  if live then redis.call('HDEL', P .. 'live', job.type .. '|' .. job.user) end
  if ran_us and ran_us > 0 then
    served[job.type] = (served[job.type] or 0) + 1
    served_us[job.type] = (served_us[job.type] or 0) + ran_us
  end
  if verb == 'd' then
    count('done')
    finish(job)
    if redis.call('HEXISTS', P .. 'users:' .. job.user .. ':tasks', job.type) == 1 then remember_run(job, 'd') end
  elseif verb == 'r' then
    local failures, losses, alone = attempts_of(name)
    remember_attempts(name, failures + 1, losses, alone, false)
    make_ready(job, now + wait_ms)
    count('retried')
  elseif verb == 'x' then
    local failures, losses = attempts_of(name)
    bury(job, text, failures + 1, losses)
    if redis.call('HEXISTS', P .. 'users:' .. job.user .. ':tasks', job.type) == 1 then remember_run(job, 'x') end
  else
    local failures, losses, alone, suspect = attempts_of(name)
    if verb == 'l' and wait_ms > 0 and not suspect then
      make_ready(job, now + wait_ms)
    elseif verb == 'l' then
      put_back(job, suspect)
    else
      if suspect then remember_attempts(name, failures, losses, alone, false) end
      if text == 'type' or text == 'user' then
        local narrow = text .. ':' .. job[text]
        park(job, narrow, close_narrow(narrow, now_us + wait_ms * 1000))
      else
        put_back(job, false)
      end
    end
  end
end

local function flush_forgotten()
  if #forget > 0 then redis.call('HDEL', P .. 'attempts', unpack(forget)) end
  if #forget_payload > 0 then redis.call('HDEL', P .. 'payload', unpack(forget_payload)) end
end

-- `service`: type -> mean service time in us, then of how many jobs, which is counted up to SERVICE_JOBS: until then the mean is
-- exact, from then on each job weighs 1 / SERVICE_JOBS.
local function flush_served()
  local kinds, fields = {}, {}
  for kind in pairs(served) do kinds[#kinds + 1] = kind end
  if #kinds == 0 then return end
  for i, record in ipairs(redis.call('HMGET', P .. 'service', unpack(kinds))) do
    local mean, jobs = 0, 0
    if record then
      mean, jobs = string.match(record, '^(%d+)|(%d+)$')
      mean, jobs = whole(mean), whole(jobs)
      if not (mean and jobs) then
        note('service ' .. kinds[i])
        mean, jobs = 0, 0
      end
    end
    local new = served[kinds[i]]
    jobs = math.min(jobs + new, SERVICE_JOBS)
    mean = mean + math.min(1, new / jobs) * (served_us[kinds[i]] / new - mean)
    fields[#fields + 1] = kinds[i]
    fields[#fields + 1] = int(mean) .. '|' .. jobs
  end
  redis.call('HSET', P .. 'service', unpack(fields))
end

-- The worker of a leased member, as it names itself in heartbeats: without the channel.
local function worker_of(member)
  local worker = string.match(member, '^.*|([^|]*)|[^|]*$') or ''
  return string.match(worker, '^(.*)%.%w+$') or worker
end

-- Whether a worker that vanished ran one job only: the culprit is known then. Its leases run out at different times and a call
-- reaps a few, so having had company is remembered. All leases are walked, once a call, and only if a worker vanished.
local leases_of
local function ran_alone(worker)
  if not leases_of then
    leases_of = {}
    for _, member in ipairs(redis.call('ZRANGE', P .. 'leased', 0, -1)) do
      local one = worker_of(member)
      leases_of[one] = (leases_of[one] or 0) + 1
    end
  end
  local key = P .. 'vanished:' .. worker
  if (leases_of[worker] or 0) > 1 then redis.call('SET', key, 1, 'PX', VANISHED_MS) end
  return redis.call('EXISTS', key) == 0
end

-- A lease that ran out. If it is older than this run of the server, the server was restored or went away: no worker is to
-- blame. If its worker gives signs of life, the lease was lost on the way. Else the worker vanished, and which of its jobs took it
-- down is not known, unless it ran one only: the job is a suspect from now on, which runs in a worker that runs nothing
-- else, and after so many losses alone it is dead. A suspect whose outcome reached the store is none any more.
local function reap(member, expiry_ms, born_us, lease_ms)
  local name, live = split_lease(member)
  local job, worker = parse(name), worker_of(member)
  if job.malformed then
    redis.call('ZREM', P .. 'leased', member)
    return discard('leased', member)
  end
  if live and redis.call('HGET', P .. 'live', job.type .. '|' .. job.user) == member then
    redis.call('HDEL', P .. 'live', job.type .. '|' .. job.user)
  end
  local failures, losses, alone, suspect = attempts_of(name)
  local restored = (expiry_ms - lease_ms) * 1000 < born_us
  local beat = redis.call('HGET', P .. 'workers', worker)
  local seen = beat and whole(string.match(beat, '^%d+'))
  local lives = seen and now - seen < lease_ms
  local by_itself = not restored and not lives and ran_alone(worker)
  redis.call('ZREM', P .. 'leased', member)
  if restored then
    count('returned')
    return put_back(job, suspect)
  end
  count('lost')
  if by_itself then alone = alone + 1 end
  if alone >= POISON_LOSSES then
    return bury(job, 'the worker vanished ' .. alone .. ' times while this job ran', failures, losses + 1)
  end
  suspect = suspect or not lives
  remember_attempts(name, failures, losses + 1, alone, suspect)
  put_back(job, suspect)
end
