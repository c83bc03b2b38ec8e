-- Suspects (lib/reap.lua) wait for a worker that runs nothing else. Of ten workers one at a time, or the only one, is
-- asked to become empty, and calls again when it is. isolation:N holds the asked worker, then the leased suspect; a
-- worker that vanishes is replaced after a lease.
local isolate
do
  local MAX_SUSPECTS = 20  -- suspects examined in a call
  local ALONE = '2'        -- offer of a worker that runs nothing and waits for a suspect

  -- Leases a suspect to a worker that runs nothing. Returns 2, 1 if the worker must go on waiting, or 0 if none can
  -- run.
  local function take_suspect(call, key)
    for _, name in ipairs(redis.call('ZRANGE', P .. 'suspects', 0, MAX_SUSPECTS - 1)) do
      local job = parse(name)
      local queue = find_limit(queue_of(job.type))
      local start_us = path_start(queue, job)
      if start_us > call.horizon_us then return 1 end
      local outcome = admit(call, queue, job, start_us, 'suspects')
      if outcome == 'leased' or outcome == 'gone' then
        redis.call('ZREM', P .. 'suspects', name)
      else
        redis.call('ZADD', P .. 'suspects', now, name)  -- its limit is not free: to the end
      end
      if outcome == 'leased' then
        redis.call('SET', key, call.jobs[1][1], 'PX', call.lease_ms)
        return 2
      end
    end
    return 0
  end

  -- Asks a worker to become empty, unless another worker of its ten was asked. Returns 1, or 0.
  local function ask_for_isolation(call, key, name)
    local holder = redis.call('GET', key)
    local is_leased_job = holder and string.find(holder, '|', 1, true)
    if is_leased_job and not redis.call('ZSCORE', P .. 'leases', holder) then holder = nil end
    if holder then return 0 end
    redis.call('SET', key, name, 'PX', call.lease_ms)
    return 1
  end

  -- Settles whether the worker runs a suspect. offer: ALONE, '1' (it would run one alone), '0' (not now). Returns
  -- true if it takes no other job.
  function isolate(call, offer)
    if call.max_jobs == 0 or not call.limiter.slot_us or offer == '0' then return false end
    if not is_there('suspects') then return false end
    local isolations = math.max(1, math.floor(redis.call('HLEN', P .. 'workers') / 10))
    local name = worker_of('|' .. call.worker .. '|')
    local key = P .. 'isolation:' .. int((tonumber(string.sub(name, -4), 16) or 0) % isolations)
    if offer == ALONE then
      call.isolation = take_suspect(call, key)
      call.limited = call.isolation == 1
      return call.isolation > 0
    end
    call.isolation = ask_for_isolation(call, key, name)
    return false
  end
end
