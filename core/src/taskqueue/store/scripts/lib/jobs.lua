-- Jobs: their attempts, their return to a lane, and their end.
local MAX_DEAD, DEAD_MAX_MS = 10000, 30 * 86400000  -- bounds of the dead letters: number and age
local forget, forget_payload = {}, {}               -- names of jobs that ended in this call

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
  add_rare('attempts')
  redis.call('HSET', P .. 'attempts', name, failures .. '|' .. losses .. '|' .. alone .. (suspect and 's' or ''))
end

-- Puts a job back into a lane, by default into that of its type's priority.
local function make_ready(job, score, lane)
  push(job, score, lane)
  note_move(job)
end

-- Puts a job back where it was claimed from. A due in the future is from before the clock was set back: the job is due
-- now.
local function put_back(job, suspect)
  if suspect then
    add_rare('suspects')
    redis.call('ZADD', P .. 'suspects', now, job.name)
  else
    make_ready(job, job.due > now + 1000 and now or job.due)
  end
end

-- Forgets attempts and params of a job that ended.
local function finish(name, adhoc)
  if is_there('attempts') then forget[#forget + 1] = name end
  if adhoc then forget_payload[#forget_payload + 1] = name end
end

-- Makes a job a dead letter, and drops the oldest ones above the bounds.
local function move_to_dead(job, reason, failures, losses)
  local body = { reason = reason, failures = failures, losses = losses, at = now }
  if job.adhoc then body.payload = redis.call('HGET', P .. 'payload', job.name) or nil end
  redis.call('ZADD', P .. 'dead', now, job.name)
  redis.call('HSET', P .. 'dead:body', job.name, cmsgpack.pack(body))
  count('dead')
  finish(job.name, job.adhoc)
  local old = redis.call('ZRANGEBYSCORE', P .. 'dead', '-inf', now - DEAD_MAX_MS, 'LIMIT', 0, 10)
  if #old == 0 and redis.call('ZCARD', P .. 'dead') > MAX_DEAD then old = redis.call('ZRANGE', P .. 'dead', 0, 0) end
  if #old > 0 then
    redis.call('ZREM', P .. 'dead', unpack(old))
    redis.call('HDEL', P .. 'dead:body', unpack(old))
    count('forgotten', #old)
  end
end

-- Removes the records of ended jobs.
local function flush_forgotten()
  if #forget > 0 then redis.call('HDEL', P .. 'attempts', unpack(forget)) end
  if #forget_payload > 0 then redis.call('HDEL', P .. 'payload', unpack(forget_payload)) end
end
