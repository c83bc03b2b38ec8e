-- Reaps: takes expired leases back.
local worker_of, reap_expired
do
  local POISON_LOSSES = 3      -- losses alone that make a suspect a dead letter
  local VANISHED_MS = 3600000  -- TTL of vanished:WORKER
  local MAX_REAP = 20          -- expired leases taken back in a call

  -- Returns the worker of a leased job as it is named in heartbeats: without the channel.
  function worker_of(leased_job)
    local worker = string.match(leased_job, '^.*|([^|]*)|[^|]*$') or ''
    return string.match(worker, '^(.*)%.%w+$') or worker
  end

  -- Tells whether a vanished worker ran one job only, which then is the culprit. Its leases expire at different times
  -- and a call reaps a few, so vanished:WORKER remembers that it ran several. Walks all leases, once a call, only if
  -- a worker vanished.
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

  -- Takes an expired lease back. A lease older than this run of the server was restored or outlived the server: no
  -- worker is to blame. If its worker still sends heartbeats, the lease got lost. Else the worker vanished, and any
  -- of its jobs may have ended it: the job becomes a suspect, runs next in a worker that runs nothing else, and is
  -- dead after POISON_LOSSES losses alone. An outcome clears the suspicion.
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
      local reason = 'the worker vanished ' .. alone .. ' times while this job ran'
      move_to_dead(job, reason, failures, losses + 1)
      return remember_death(job, reason)
    end
    suspect = suspect or not is_alive
    remember_attempts(name, failures, losses + 1, alone, suspect)
    put_back(job, suspect)
  end

  -- Takes the leases back that have expired.
  function reap_expired(limiter, lease_ms)
    if now_us < limiter.reap_from_us then return end
    local expired = redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'WITHSCORES', 'LIMIT', 0, MAX_REAP)
    for i = 1, #expired, 2 do reap(expired[i], tonumber(expired[i + 1]), limiter.first_seen_us, lease_ms) end
  end
end
