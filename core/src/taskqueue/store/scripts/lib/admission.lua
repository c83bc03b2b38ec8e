-- Admission: decides whether a job may start at an instant, and leases it. Outcomes of `admit`:
--   leased           the job starts then
--   gone             the job ended, or was no job
--   deferred         try again in a second
--   moved            the type's jobs take from other limits now: the job goes to another queue
--   parked, limit    the job must wait for this limit
local admit
do
  local UNREADABLE_US = 1000000  -- an unreadable type or an unknown limit is read again after this
  local RECORD_MS = 60000        -- a job waits this long for an unreadable subscription
  local paused                   -- types that an operator paused

  local function read_paused()
    paused = {}
    local list = is_there('overrides') and redis.call('HGETALL', P .. 'overrides') or {}
    for i = 1, #list, 2 do
      local expires = whole(string.match(list[i + 1], '|(%d+)$'))
      if not expires then note('overrides ' .. list[i]) end
      paused[list[i]] = expires ~= nil and (expires == 0 or expires > now)
    end
    return paused
  end

  local function is_expired(job) return job.life > 0 and now > job.due + job.life end

  -- Ends a job that will not run.
  local function drop(job, reason)
    count(reason)
    finish(job.name, job.adhoc)
    return 'gone'
  end

  -- Defers a job of an unreadable subscription, which may be suspended: it waits for the manifests to be published, up
  -- to RECORD_MS.
  local function await_record(job)
    note('subscriptions:' .. job.user .. ' ' .. job.type)
    if now > job.due + RECORD_MS then return drop(job, 'skipped') end
    return 'deferred'
  end

  -- Reads the subscription of a scheduled job. Returns its params, or nil and an outcome; and whether the job is on trial.
  local function read_params(job, task_type)
    if task_type.suspended or (paused or read_paused())[job.type] then return nil, drop(job, 'skipped') end
    local record = redis.call('HGET', P .. 'subscriptions:' .. job.user, job.type)
    if not record then
      if redis.call('HEXISTS', P .. 'malformed', 'subscriptions:' .. job.user) == 1 then
        return nil, await_record(job)
      end
      return nil, drop(job, 'skipped')
    end
    if job.life > 0 and is_expired(job) then return nil, drop(job, 'expired') end
    if #record <= 16 and string.find(record, '^%d+$') then return '' end  -- a bare number, as most are
    local number, flags, params = string.match(record, '^(%d+)(%l*):?%d*(.*)$')
    if not number or #number > 16 then return nil, await_record(job) end
    if flags ~= '' and not (flags == 't' and may_try(job)) then return nil, drop(job, 'skipped') end
    return params, nil, flags == 't'
  end

  -- Takes a start of the limits besides the queue's path. Returns the limit that is not free then, if one is not.
  local function take_limits(job, task_type, queue, start_us)
    local beside = limits_beside(job, task_type, queue)
    for _, limit in ipairs(beside) do
      if free_at(limit, job) > start_us then return limit end
    end
    for _, limit in ipairs(beside) do book(limit, start_us, task_type.cost) end
  end

  -- Returns the leased job that keeps others of its subscription from running: TYPE|USER.
  local function find_holder(call, subscription)
    if call.holders[subscription] then return call.holders[subscription] end
    local holder = redis.call('HGET', P .. 'exclusive', subscription)
    return holder and redis.call('ZSCORE', P .. 'leases', holder) and holder
  end

  -- Ends the running job of the same subscription (policy Replace): its worker learns at its next heartbeat that the
  -- lease is gone.
  local function replace(call, holder)
    redis.call('ZREM', P .. 'leases', holder)
    count('replaced')
    local ended = parse((split_leased(holder)))
    if not ended.malformed then finish(ended.name, ended.adhoc) end
    for i = #call.jobs, 1, -1 do  -- this call may have leased it
      if call.jobs[i][1] == holder then
        table.remove(call.jobs, i)
        table.remove(call.leases, 2 * i)
        table.remove(call.leases, 2 * i - 1)
      end
    end
  end

  -- Leases a job to start at start_us. exclusive: its subscription, if no other job of it may run meanwhile.
  local function lease(call, queue, job, task_type, start_us, params, exclusive, on_trial)
    local leased_job, leases, jobs, cost = job.name .. call.suffix, call.leases, call.jobs, task_type.cost
    local expiry = (start_us - start_us % 1000) / 1000 + call.lease_ms
    if exclusive then
      leased_job = leased_job .. 'x'
      call.holders[exclusive] = leased_job
    end
    if on_trial then
      leased_job = leased_job .. 't'
      if exclusive then call.holders[exclusive] = leased_job end
      begin_trial(job, leased_job)
    end
    leases[#leases + 1] = expiry
    leases[#leases + 1] = leased_job
    reserve_path(queue, start_us, cost)
    local apart_us = cost > 1 and spacing_of_slots(queue, limits_beside(job, task_type, queue), cost) or nil
    jobs[#jobs + 1] = { leased_job, start_us - start_us % 1, params or '', 0, 0, apart_us }
    if job.adhoc then call.adhoc[job.name] = jobs[#jobs] end
  end

  -- Leases a job of a queue to start at start_us, if it may start then. origin: the key that it was taken from.
  function admit(call, queue, job, start_us, origin)
    if job.malformed then
      discard(origin, job.name)
      return 'gone'
    end
    local task_type, params, outcome, on_trial = find_type(job.type), nil, nil, nil
    if not task_type then return drop(job, 'skipped') end
    if task_type.malformed and not is_expired(job) then
      return 'parked', shut_limit('type:' .. job.type, UNREADABLE_US)
    end
    if not job.adhoc then
      params, outcome, on_trial = read_params(job, task_type)
    elseif is_expired(job) then
      outcome = drop(job, 'expired')
    end
    if outcome then return outcome end
    if (task_type.queue or queue_of(job.type)) ~= queue.name then return 'moved' end
    if task_type.unknown then return 'parked', shut_limit(task_type.unknown, UNREADABLE_US) end

    local exclusive = task_type.policy ~= 'Allow' and job.type .. '|' .. job.user
    local holder = exclusive and find_holder(call, exclusive)
    if holder and task_type.policy == 'Forbid' then return job.adhoc and 'deferred' or drop(job, 'skipped') end
    if any_closed ~= false or task_type.users[1] then  -- else as most: no limit beside the path
      local limit = take_limits(job, task_type, queue, start_us)
      if limit then return 'parked', limit end
    end
    if holder then replace(call, holder) end
    lease(call, queue, job, task_type, start_us, params, exclusive, on_trial)
    return 'leased'
  end
end
