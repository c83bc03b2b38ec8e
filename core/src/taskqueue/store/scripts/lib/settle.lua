-- What became of leased jobs. Removing the exact leased member proves ownership: a result for a lease that was reaped or
-- replaced changes nothing, so results may be repeated. verb: d(one) r(etry ms) x (dead) l(eave: not started) c(losed: ms).
local POISON_LOSSES = 3
local DEAD_MAX, DEAD_MAX_MS = 10000, 30 * 86400000  -- the dead letters are bounded by count and by age
local SERVICE_JOBS = 50  -- a type's mean service time follows about its last so many jobs
local forget, forget_payload = {}, {}
local served, served_us = {}, {}

local function split_lease(member)
  local job, fence = string.match(member, '^(.*)|[^|]*|([^|]*)$')
  return job, string.sub(fence, -1) == 'x'
end

local function attempts_of(name)
  local record = redis.call('HGET', P .. 'attempts', name)
  if not record then return 0, 0 end
  local failures, losses = string.match(record, '^(%d+)|(%d+)')
  return tonumber(failures), tonumber(losses)
end

local function make_ready(job, score)
  local known = facts(job.type)
  redis.call('ZADD', P .. 'ready:' .. (known and known.lane or 'normal'), score, job.name)
  note_move(job)
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
    local failures, losses = attempts_of(name)
    redis.call('HSET', P .. 'attempts', name, (failures + 1) .. '|' .. losses)
    make_ready(job, now + wait_ms)
    count('retried')
  elseif verb == 'x' then
    local failures, losses = attempts_of(name)
    bury(job, text, failures + 1, losses)
    if redis.call('HEXISTS', P .. 'users:' .. job.user .. ':tasks', job.type) == 1 then remember_run(job, 'x') end
  elseif verb == 'c' and (text == 'type' or text == 'user') then
    local narrow = text .. ':' .. job[text]
    close_narrow(narrow, now_us + wait_ms * 1000)
    park(job, narrow, tats[narrow])
  else
    make_ready(job, job.due)
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
    if record then mean, jobs = string.match(record, '^(%d+)|(%d+)') end
    local new = served[kinds[i]]
    jobs = math.min(jobs + new, SERVICE_JOBS)
    mean = mean + math.min(1, new / jobs) * (served_us[kinds[i]] / new - mean)
    fields[#fields + 1] = kinds[i]
    fields[#fields + 1] = int(mean) .. '|' .. jobs
  end
  redis.call('HSET', P .. 'service', unpack(fields))
end

-- A lease that ran out: its worker vanished. The job runs again, but one that keeps taking workers down does not.
local function reap(member)
  redis.call('ZREM', P .. 'leased', member)
  local name, live = split_lease(member)
  local job = parse(name)
  if live and redis.call('HGET', P .. 'live', job.type .. '|' .. job.user) == member then
    redis.call('HDEL', P .. 'live', job.type .. '|' .. job.user)
  end
  local failures, losses = attempts_of(name)
  count('lost')
  if losses + 1 >= POISON_LOSSES then
    bury(job, 'the worker vanished ' .. (losses + 1) .. ' times while this job ran', failures, losses + 1)
  else
    redis.call('HSET', P .. 'attempts', name, failures .. '|' .. (losses + 1))
    make_ready(job, job.due)
  end
end
