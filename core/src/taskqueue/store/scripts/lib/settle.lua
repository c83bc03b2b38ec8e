-- Settles results. A worker that can remove the exact leased job owns it: a result for a lease that was reaped or
-- replaced changes nothing, so results may be repeated. outcome of others than done jobs: r retry after wait_ms, x dead
-- because of text, l left (not started; not again before wait_ms), c the limit `text` is closed for wait_ms, '' for the
-- type's default (limits_to_close).
local settle_results, flush_served
do
  local SERVICE_JOBS = 50           -- jobs that a type's mean service time follows
  local served, served_us = {}, {}  -- by type: jobs of this call that ran, and their time
  local failed = {}                 -- by type: those of them that were not done
  local ended = {}                  -- subscriptions of exclusive jobs that ended
  local EXCLUSIVE, TRIAL = string.byte('xt', 1, 2)
  -- A scheduled job's lease: type and user, then the positions of OCCURRENCE, OFFSET, LIFE, and of the end of LIFE.
  local LEASED = '^([^|]+)|([^|]+)|()%d+|()%d+|()%d+()|[^|]*|[^|]*$'

  -- Returns type and user of a leased job, and whether it is ad hoc; nil if it is no job. The end of a job needs no
  -- due: numbers of at most 10, 13 and 16 digits are good ones, and are not read.
  local function read_leased(leased_job)
    local type_name, user, occurrence, offset, life, life_end = string.match(leased_job, LEASED)
    if type_name and offset - occurrence <= 11 and life - offset <= 14 and life_end - life <= 16 then
      return type_name, user, false
    end
    local job = parse((split_leased(leased_job)))
    if not job.malformed then return job.type, job.user, job.adhoc end
  end

  -- Records the time for which a job occupied a concurrency slot, and that it is no longer exclusive.
  local function end_run(type_name, user, exclusive, ran_us)
    if exclusive then ended[#ended + 1] = type_name .. '|' .. user end
    if ran_us and ran_us > 0 then
      served[type_name] = (served[type_name] or 0) + 1
      served_us[type_name] = (served_us[type_name] or 0) + ran_us
    end
  end

  -- Ends a leased job as done; its lease is removed with those of the others. any_attempts: whether some job has any.
  local function settle_done(leased_job, ran_us, any_attempts)
    local type_name, user, adhoc = read_leased(leased_job)
    if not type_name then
      if redis.call('ZREM', P .. 'leases', leased_job) == 1 then discard('leases', leased_job) end
      return
    end
    local mark = string.byte(leased_job, -1)
    if mark == TRIAL then
      mark = string.byte(leased_job, -2)
      end_suspension(type_name, user)
    end
    end_run(type_name, user, mark == EXCLUSIVE, ran_us)
    if adhoc or any_attempts then finish((split_leased(leased_job)), adhoc) end
    -- The user of an ad hoc job may have no subscription to its type.
    if adhoc and redis.call('HEXISTS', P .. 'subscriptions:' .. user, type_name) == 0 then return end
    remember_run(type_name, user, 'd')
  end

  -- Returns a job that did not run, or whose handler was refused by the API, to a lane or to its limit.
  local function settle_left(job, outcome, wait_ms, text)
    local failures, losses, alone, suspect = attempts_of(job.name)
    if outcome == 'l' then
      if wait_ms > 0 and not suspect then return make_ready(job, now + wait_ms) end
      return put_back(job, suspect)
    end
    if suspect then remember_attempts(job.name, failures, losses, alone, false) end
    if text == GLOBAL then return put_back(job, false) end
    local closing, queue = limits_to_close(job, text), queue_of(job.type)
    for _, limit in ipairs(closing) do close_limit(limit, now_us + wait_ms * 1000) end
    if is_on_path(find_limit(queue), closing[1]) then return put_back(job, false) end  -- the queue itself waits
    park(job, queue, closing[1])
  end

  -- Settles a result other than done; without effect if the lease is gone.
  local function settle(leased_job, outcome, wait_ms, text, ran_us)
    if redis.call('ZREM', P .. 'leases', leased_job) == 0 then return end
    local name, exclusive = split_leased(leased_job)
    local job = parse(name)
    if job.malformed then return discard('leases', leased_job) end
    end_run(job.type, job.user, exclusive, ran_us)
    if ran_us and ran_us > 0 then failed[job.type] = (failed[job.type] or 0) + 1 end
    if outcome == 'r' then
      local failures, losses, alone = attempts_of(name)
      remember_attempts(name, failures + 1, losses, alone, false)
      make_ready(job, now + wait_ms)
      count('retried')
    elseif outcome == 'x' then
      local failures, losses = attempts_of(name)
      move_to_dead(job, text, failures + 1, losses)
      remember_death(job, text)
    else
      settle_left(job, outcome, wait_ms, text)
    end
  end

  -- Settles jobs that are done, nearly all: their leases are read and removed together.
  local function settle_all_done(done, ran_us)
    local any_attempts, removed = is_there('attempts'), 0
    if done[2] or not read_leased(done[1]) then
      local scores = redis.call('ZMSCORE', P .. 'leases', unpack(done))
      for i = 1, #done do
        if scores[i] then settle_done(done[i], ran_us[i], any_attempts) end
      end
      removed = redis.call('ZREM', P .. 'leases', unpack(done))
    else  -- one alone need not be told from the others
      removed = redis.call('ZREM', P .. 'leases', done[1])
      if removed == 1 then settle_done(done[1], ran_us[1], any_attempts) end
    end
    if removed > 0 then count('done', removed) end
  end

  -- Settles the results of a call.   done: leased jobs;  ran_us: their times;  others: as for `settle`
  function settle_results(limiter, done, ran_us, others)
    for _, result in ipairs(others) do
      local leased_job, outcome, wait_ms, text, ran_us = unpack(result)
      settle(leased_job, outcome, wait_ms, text, ran_us)
      if outcome == 'c' and text == GLOBAL then
        close_global(limiter, now_us + wait_ms * 1000, string.match(leased_job, '^[^|]*|[^|]*'))
      end
    end
    if #done > 0 then settle_all_done(done, ran_us) end
    if #ended > 0 then redis.call('HDEL', P .. 'exclusive', unpack(ended)) end
  end

  -- The mean is exact for SERVICE_JOBS runs, then each one weighs 1 / SERVICE_JOBS.
  function flush_served()
    local type_names, fields = {}, {}
    for type_name in pairs(served) do type_names[#type_names + 1] = type_name end
    if #type_names == 0 then return end
    for i, record in ipairs(redis.call('HMGET', P .. 'service_times', unpack(type_names))) do
      local mean, jobs, failures = 0, 0, ''
      if record then
        mean, jobs, failures = string.match(record, SERVICE)
        mean, jobs = whole(mean), whole(jobs)
        if not (mean and jobs) then
          note('service_times ' .. type_names[i])
          mean, jobs, failures = 0, 0, ''
        end
      end
      local new, new_failures = served[type_names[i]], failed[type_names[i]]
      jobs = jobs + new
      mean = mean + math.min(1, new / math.min(jobs, SERVICE_JOBS)) * (served_us[type_names[i]] / new - mean)
      if new_failures then failures = int((whole(failures) or 0) + new_failures) end
      fields[#fields + 1] = type_names[i]
      fields[#fields + 1] = int(mean) .. '|' .. int(jobs) .. (failures ~= '' and '|' .. failures or '')
    end
    redis.call('HSET', P .. 'service_times', unpack(fields))
  end
end
