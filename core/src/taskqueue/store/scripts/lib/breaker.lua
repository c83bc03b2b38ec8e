-- The circuit breaker: suspendAfter dead letters in a row suspend a subscription, unless more than half of the type's
-- jobs die: then the API is out of order, and nobody is suspended. Two spans decide, and either may show an outage:
--   since the subscription's previous failure, about a period: `runs:USER` has the type's counts of then;
--   the last jobs of the type, where a period is longer than an outage: `deaths`.
-- `deaths`: type -> DEAD|DONE|SHARE. DEAD: dead letters so far; DONE: jobs done when the last one died; SHARE: dead among
-- the last jobs, in 1/1000, a job weighs 1 / RECENT_JOBS. Only types with suspendAfter have one.
local remember_death, judge_deaths, may_try, begin_trial, end_suspension
do
  local RECENT_JOBS = 50
  local MAX_REASON = 200   -- bytes of a reason
  local deaths             -- [job, reason, suspendAfter] of this call, of types with a circuit breaker

  -- Remembers that a job became a dead letter. judge_deaths goes on, once all results of the call are known: whether a
  -- call has the done or the dead jobs first says nothing.
  function remember_death(job, reason)
    local after = breaker_of(job.type)
    if not after then return remember_run(job.type, job.user, 'x') end
    deaths = deaths or {}
    deaths[#deaths + 1] = { job, reason, after }
  end

  -- Counts dead letters of a type. Returns the counts.
  local function count_deaths(type_name, number)
    local _, runs, failed = string.match(redis.call('HGET', P .. 'service_times', type_name) or '', SERVICE)
    local done = math.max((whole(runs) or 0) - (whole(failed) or 0), 0)
    local text = redis.call('HGET', P .. 'deaths', type_name)
    local dead, done_before, share = string.match(text or '', '^(%d+)|(%d+)|(%d+)$')
    dead, done_before, share = whole(dead), whole(done_before), whole(share)
    if not (dead and done_before and share) then
      if text then note('deaths ' .. type_name) end
      dead, done_before, share = 0, 0, 0
    end
    local ended = number + math.max(done - done_before, 0)
    local kept = (1 - 1 / RECENT_JOBS) ^ ended
    share = share * kept + 1000 * number / ended * (1 - kept)
    redis.call('HSET', P .. 'deaths', type_name, int(dead + number) .. '|' .. int(done) .. '|' .. int(share))
    return { dead = dead + number, done = done, share = share }
  end

  -- Returns a record with the flag b or t in place of either; '': without. nil: the record cannot be read.
  local function with_breaker_flag(record, flag)
    local number, flags, rest = string.match(record, '^(%d+)(%l*)(.*)$')
    return number and number .. string.gsub(flags, '[bt]', '') .. flag .. rest
  end

  local function suspend(job, record, reason, failures)
    local flagged = with_breaker_flag(record, 'b')
    if not flagged then return end
    redis.call('HSET', P .. 'subscriptions:' .. job.user, job.type, flagged)
    if #reason > MAX_REASON then  -- without half a character at the end
      reason = string.gsub(string.sub(reason, 1, MAX_REASON), '[\192-\255][\128-\191]*$', '')
    end
    local why = { since = now, reason = reason, failures = failures, trial = '' }
    write_suspension(job.type, job.user, why, 0)
    count('suspended')
  end

  -- Adds a dead letter to the failures in a row of its subscription, and suspends it after too many. An ad hoc job does
  -- not count.
  local function judge(job, reason, after, counts)
    local last = redis.call('HGET', P .. 'runs:' .. job.user, job.type)
    local streak, failures, done, dead = string.match(last or '', '^x%d+(|(%d+)|(%d+)|(%d+))$')
    if job.adhoc then return remember_run(job.type, job.user, 'x', streak) end
    failures, done, dead = (whole(failures) or 0) + 1, whole(done) or 0, whole(dead) or 0
    streak = '|' .. int(failures) .. '|' .. int(counts.done) .. '|' .. int(counts.dead)
    remember_run(job.type, job.user, 'x', streak)
    local record = redis.call('HGET', P .. 'subscriptions:' .. job.user, job.type)
    local flag = record and string.match(record, '^%d+%l-([bt])')
    if flag == 't' and read_suspension(job.type, job.user).trial == job.name then
      return suspend(job, record, reason, failures)
    end
    local died, ended = counts.dead - dead, counts.dead - dead + math.max(counts.done - done, 0)
    local is_outage = 2 * died > ended or counts.share > 500
    if record and not flag and failures >= after and not is_outage then suspend(job, record, reason, failures) end
  end

  -- Judges the subscriptions whose jobs died in this call.
  function judge_deaths()
    if not deaths then return end
    local numbers, counts = {}, {}
    for _, death in ipairs(deaths) do numbers[death[1].type] = (numbers[death[1].type] or 0) + 1 end
    for type_name, number in pairs(numbers) do counts[type_name] = count_deaths(type_name, number) end
    for _, death in ipairs(deaths) do judge(death[1], death[2], death[3], counts[death[1].type]) end
  end

  -- Tells whether a job of a subscription that is on trial may start.
  function may_try(job)
    local trial = read_suspension(job.type, job.user).trial
    return trial == '' or trial == job.name
  end

  function begin_trial(job, leased_job)
    local why = read_suspension(job.type, job.user)
    why.trial, why.lease = job.name, leased_job
    write_suspension(job.type, job.user, why)
  end

  -- Ends a suspension after the job on trial was done. A publisher does the rest.
  function end_suspension(type_name, user)
    local record = redis.call('HGET', P .. 'subscriptions:' .. user, type_name)
    local unflagged = record and with_breaker_flag(record, '')
    if unflagged then redis.call('HSET', P .. 'subscriptions:' .. user, type_name, unflagged) end
    redis.call('ZADD', P .. 'suspended', 0, type_name .. '|' .. user)
  end
end
