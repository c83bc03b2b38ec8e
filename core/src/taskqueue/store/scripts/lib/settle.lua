-- Ends leases: settles results and reaps expired leases. A worker that can remove the exact leased job owns it: a
-- result for a lease that was reaped or replaced changes nothing, so results may be repeated. outcome: d done, r retry
-- after wait_ms, x dead because of text, l left (not started; not again before wait_ms), c the limit `text` is closed
-- for wait_ms.
local POISON_LOSSES = 3                             -- losses alone that make a suspect a dead letter
local VANISHED_MS = 3600000                         -- TTL of vanished:WORKER
local MAX_DEAD, DEAD_MAX_MS = 10000, 30 * 86400000  -- bounds of the dead letters: number and age
local SERVICE_JOBS = 50                             -- jobs that a type's mean service time follows
local forget, forget_payload = {}, {}
local served, served_us = {}, {}

-- Splits a leased job: the job's name, and whether `exclusive` has it.
local function split_leased(leased_job)
  local job, seq = string.match(leased_job, '^(.*)|[^|]*|([^|]*)$')
  return job or '', job ~= nil and string.sub(seq, -1) == 'x'
end

-- Reads a record of `attempts`; zeros if it cannot be read.
local function read_attempts(name, record)
  local failures, losses, alone, suspect = string.match(record, '^(%d+)|(%d+)|?(%d*)(s?)$')
  failures, losses, alone = whole(failures), whole(losses), whole(alone) or 0
  if not (failures and losses and failures < 1e6 and losses < 1e6 and alone < 1e6) then
    note('attempts ' .. name)
    return 0, 0, 0, false
  end
  return failures, losses, alone, suspect == 's'
end

-- `attempts`: job -> FAILURES|LOSSES|ALONE, then "s" while the job is a suspect. LOSSES: expired leases of the job;
-- ALONE: those of them whose worker ran no other job.
local function attempts_of(name)
  local record = redis.call('HGET', P .. 'attempts', name)
  if not record then return 0, 0, 0, false end
  return read_attempts(name, record)
end

local function remember_attempts(name, failures, losses, alone, suspect)
  redis.call('HSET', P .. 'attempts', name, failures .. '|' .. losses .. '|' .. alone .. (suspect and 's' or ''))
end

-- Puts a job into its type's lane.
local function make_ready(job, score)
  local task_type = find_type(job.type)
  redis.call('ZADD', P .. 'ready:' .. (task_type and task_type.lane or DEFAULT_LANE), score, job.name)
  note_move(job)
end

-- Puts a job back where it was claimed from. A due in the future is from before the clock was set back: the job is due
-- now.
local function put_back(job, suspect)
  if suspect then
    redis.call('ZADD', P .. 'suspects', now, job.name)
  else
    make_ready(job, job.due > now + 1000 and now or job.due)
  end
end

-- Forgets what the store knows of a job that ended.
local function finish(job)
  forget[#forget + 1] = job.name
  if job.adhoc then forget_payload[#forget_payload + 1] = job.name end
end

-- Makes a job a dead letter, and drops the oldest ones above the bounds.
local function move_to_dead(job, reason, failures, losses)
  local body = { reason = reason, failures = failures, losses = losses, at = now }
  if job.adhoc then body.payload = redis.call('HGET', P .. 'payload', job.name) or nil end
  redis.call('ZADD', P .. 'dead', now, job.name)
  redis.call('HSET', P .. 'dead:body', job.name, cmsgpack.pack(body))
  count('dead')
  finish(job)
  local old = redis.call('ZRANGEBYSCORE', P .. 'dead', '-inf', now - DEAD_MAX_MS, 'LIMIT', 0, 10)
  if #old == 0 and redis.call('ZCARD', P .. 'dead') > MAX_DEAD then old = redis.call('ZRANGE', P .. 'dead', 0, 0) end
  if #old > 0 then
    redis.call('ZREM', P .. 'dead', unpack(old))
    redis.call('HDEL', P .. 'dead:body', unpack(old))
    count('forgotten', #old)
  end
end

-- Keeps a subscription's last outcome, for people.
local function remember_run(job, outcome)
  redis.call('HSET', P .. 'runs:' .. job.user, job.type, outcome .. int(math.floor(now / 1000)))
end

-- Settles one result; without effect if the lease is gone.
local function settle(leased_job, outcome, wait_ms, text, ran_us)
  if redis.call('ZREM', P .. 'leases', leased_job) == 0 then return end
  local name, exclusive = split_leased(leased_job)
  local job = parse(name)
  if job.malformed then return discard('leases', leased_job) end
  if exclusive then redis.call('HDEL', P .. 'exclusive', job.type .. '|' .. job.user) end
  if ran_us and ran_us > 0 then
    served[job.type] = (served[job.type] or 0) + 1
    served_us[job.type] = (served_us[job.type] or 0) + ran_us
  end
  if outcome == 'd' then
    count('done')
    finish(job)
    if redis.call('HEXISTS', P .. 'subscriptions:' .. job.user, job.type) == 1 then remember_run(job, 'd') end
  elseif outcome == 'r' then
    local failures, losses, alone = attempts_of(name)
    remember_attempts(name, failures + 1, losses, alone, false)
    make_ready(job, now + wait_ms)
    count('retried')
  elseif outcome == 'x' then
    local failures, losses = attempts_of(name)
    move_to_dead(job, text, failures + 1, losses)
    if redis.call('HEXISTS', P .. 'subscriptions:' .. job.user, job.type) == 1 then remember_run(job, 'x') end
  else
    local failures, losses, alone, suspect = attempts_of(name)
    if outcome == 'l' and wait_ms > 0 and not suspect then
      make_ready(job, now + wait_ms)
    elseif outcome == 'l' then
      put_back(job, suspect)
    else
      if suspect then remember_attempts(name, failures, losses, alone, false) end
      if text == 'type' or text == 'user' then
        local limit = text .. ':' .. job[text]
        park(job, limit, close_limit(limit, now_us + wait_ms * 1000))
      else
        put_back(job, false)
      end
    end
  end
end

-- Removes the records of ended jobs.
local function flush_forgotten()
  if #forget > 0 then redis.call('HDEL', P .. 'attempts', unpack(forget)) end
  if #forget_payload > 0 then redis.call('HDEL', P .. 'payload', unpack(forget_payload)) end
end

-- `service_times`: type -> MEAN_US|JOBS. JOBS counts up to SERVICE_JOBS: until then the mean is exact, then each job
-- weighs 1 / SERVICE_JOBS.
local function flush_served()
  local type_names, fields = {}, {}
  for type_name in pairs(served) do type_names[#type_names + 1] = type_name end
  if #type_names == 0 then return end
  for i, record in ipairs(redis.call('HMGET', P .. 'service_times', unpack(type_names))) do
    local mean, jobs = 0, 0
    if record then
      mean, jobs = string.match(record, '^(%d+)|(%d+)$')
      mean, jobs = whole(mean), whole(jobs)
      if not (mean and jobs) then
        note('service_times ' .. type_names[i])
        mean, jobs = 0, 0
      end
    end
    local new = served[type_names[i]]
    jobs = math.min(jobs + new, SERVICE_JOBS)
    mean = mean + math.min(1, new / jobs) * (served_us[type_names[i]] / new - mean)
    fields[#fields + 1] = type_names[i]
    fields[#fields + 1] = int(mean) .. '|' .. jobs
  end
  redis.call('HSET', P .. 'service_times', unpack(fields))
end

-- Returns the worker of a leased job as it is named in heartbeats: without the channel.
local function worker_of(leased_job)
  local worker = string.match(leased_job, '^.*|([^|]*)|[^|]*$') or ''
  return string.match(worker, '^(.*)%.%w+$') or worker
end

-- Tells whether a vanished worker ran one job only, which then is the culprit. Its leases expire at different times and
-- a call reaps a few, so vanished:WORKER remembers that it ran several. Walks all leases, once a call, only if a worker
-- vanished.
local leases_of
local function ran_alone(worker)
  if not leases_of then
    leases_of = {}
    for _, leased_job in ipairs(redis.call('ZRANGE', P .. 'leases', 0, -1)) do
      local one = worker_of(leased_job)
      leases_of[one] = (leases_of[one] or 0) + 1
    end
  end
  local key = P .. 'vanished:' .. worker
  if (leases_of[worker] or 0) > 1 then redis.call('SET', key, 1, 'PX', VANISHED_MS) end
  return redis.call('EXISTS', key) == 0
end

-- Takes an expired lease back. A lease older than this run of the server was restored or outlived the server: no worker
-- is to blame. If its worker still sends heartbeats, the lease got lost. Else the worker vanished, and any of its jobs
-- may have ended it: the job becomes a suspect, runs next in a worker that runs nothing else, and is dead after
-- POISON_LOSSES losses alone. An outcome clears the suspicion.
local function reap(leased_job, expiry_ms, first_seen_us, lease_ms)
  local name, exclusive = split_leased(leased_job)
  local job, worker = parse(name), worker_of(leased_job)
  if job.malformed then
    redis.call('ZREM', P .. 'leases', leased_job)
    return discard('leases', leased_job)
  end
  if exclusive and redis.call('HGET', P .. 'exclusive', job.type .. '|' .. job.user) == leased_job then
    redis.call('HDEL', P .. 'exclusive', job.type .. '|' .. job.user)
  end
  local failures, losses, alone, suspect = attempts_of(name)
  local restored = (expiry_ms - lease_ms) * 1000 < first_seen_us
  local heartbeat = redis.call('HGET', P .. 'workers', worker)
  local seen = heartbeat and whole(string.match(heartbeat, '^%d+'))
  local is_alive = seen and now - seen < lease_ms
  local by_itself = not restored and not is_alive and ran_alone(worker)
  redis.call('ZREM', P .. 'leases', leased_job)
  if restored then
    count('returned')
    return put_back(job, suspect)
  end
  count('lost')
  if by_itself then alone = alone + 1 end
  if alone >= POISON_LOSSES then
    return move_to_dead(job, 'the worker vanished ' .. alone .. ' times while this job ran', failures, losses + 1)
  end
  suspect = suspect or not is_alive
  remember_attempts(name, failures, losses + 1, alone, suspect)
  put_back(job, suspect)
end
