-- The next call of a worker. Each worker gets a time of its own, so that a start costs about one call, however many
-- workers idle. Busy lanes are looked at in beats, half a horizon apart: `beats` has the next one of each worker. Up
-- to due_covered_us the dues are covered by a call that some worker was told to make.
local plan_next_call
do
  local LEAD_US = 6000          -- a worker calls this long before a due
  local TURNS_US = 550000       -- beats are covered this far ahead by a worker that just took some jobs
  local SPARE_US = 450000       -- and this far by any other worker
  local IDLE_US = 200000        -- idle workers poll in turn, one each IDLE_US
  local IDLE_MAX_US = 15000000  -- longest time between two polls of a worker
  local MAX_DUES = 64           -- queues whose next dues are looked at
  local WITH_ROOM, AS_PLANNED = -1, 0  -- instead of a time: once a concurrency slot is free; at the time given before

  -- Returns the time between two starts of the queues that can start a job by until_us, a lower bound. lane: one of them.
  local function slot_of(call, lane, until_us)
    local limit, spacing_us = find_limit(string.match(lane, '^(.*):') or GLOBAL), 0
    while limit.within do
      spacing_us, limit = math.max(spacing_us, limit.spacing_us), limit.within
    end
    if spacing_us <= call.limiter.slot_us then return call.limiter.slot_us end
    local lanes = redis.call('ZCOUNT', P .. 'lanes_busy', '-inf', until_us)
    return math.max(call.limiter.slot_us, spacing_us / lanes)
  end

  -- Returns the first beat that no other worker was called for; nil if others have the near ones, or if no queue is
  -- busy.
  local function next_beat(call)
    if not call.any_busy then return end
    local busy = redis.call('ZRANGE', P .. 'lanes_busy', 0, 0, 'WITHSCORES')
    if not busy[2] then return end
    local at_us = math.max(tonumber(busy[2]) - call.reach_us / 2, now_us)
    local step_us = math.min(call.reach_us / 2, call.max_jobs * slot_of(call, busy[1], at_us + call.reach_us))
    redis.call('ZREMRANGEBYSCORE', P .. 'beats', '-inf', now_us - PROMPT_US)
    for _, told in ipairs(redis.call('ZRANGEBYSCORE', P .. 'beats', at_us - step_us / 2, '+inf', 'WITHSCORES')) do
      local told_us = tonumber(told)
      if told_us and told_us < at_us + step_us / 2 then at_us = math.max(at_us, told_us + step_us) end
    end
    local own_us = tonumber(redis.call('ZSCORE', P .. 'beats', call.worker))
    if own_us and own_us > now_us and own_us <= at_us then return end
    if at_us - now_us > (#call.jobs > 0 and TURNS_US or SPARE_US) then return end
    return at_us
  end

  local function is_saturated()
    local lanes = {}
    for i = 1, #LANES do lanes[i] = GLOBAL .. ':' .. LANES[i] end
    for _, start_us in ipairs(redis.call('ZMSCORE', P .. 'lanes_busy', unpack(lanes))) do
      if start_us then return true end
    end
  end

  -- Returns until when all dues are known: jobs are emitted up to the cursor, which lies ahead of a clock that it follows.
  local function known_until(call)
    local cursor_us = (read_cursor(call.cursor) or 0) * 1000
    return cursor_us > now_us and math.min(cursor_us, now_us + AHEAD_US) or now_us + AHEAD_US
  end

  -- Returns when to call for the first due that no call covers; nil if that is far away, or not before before_us, or if
  -- the queue of the global limit is busy: then no due is met in time. Retries and parked jobs may be
  -- due behind the cursor, and a tick may still emit jobs that are due before them.
  local function next_due_call(call, before_us)
    if call.any_busy and is_saturated() then return end
    local limiter = call.limiter
    local covered, next_us = math.max(limiter.due_covered_us, now_us + EARLY_US), math.huge
    local rows = call.dues or redis.call('ZRANGE', P .. 'lanes_due', 0, MAX_DUES - 1, 'WITHSCORES')
    for i = 1, #rows, 2 do
      local due_us = tonumber(rows[i + 1])
      if due_us <= covered then due_us = next_due(rows[i], int(math.floor(covered / 1000))) * 1000 end
      next_us = math.min(next_us, due_us)
    end
    if is_there('limits_free_at') then
      local row = redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '(' .. int(covered), '+inf',
        'WITHSCORES', 'LIMIT', 0, 1)
      if row[2] then next_us = math.min(next_us, tonumber(row[2])) end
    end
    if next_us > now_us + AHEAD_US or next_us - LEAD_US >= before_us or next_us > known_until(call) then return end
    limiter.due_covered_us = next_us - LEAD_US + EARLY_US - PROMPT_US
    return next_us - LEAD_US
  end

  -- Returns the turn of an idle worker.
  local function next_poll(limiter)
    limiter.idle_poll_us = math.min(math.max(limiter.idle_poll_us, now_us) + IDLE_US, now_us + IDLE_MAX_US)
    return limiter.idle_poll_us
  end

  -- Returns when the worker calls again (us), WITH_ROOM or AS_PLANNED. waits_alone: it waits for a suspect, or runs
  -- one. has_time: a time given before lies ahead.
  function plan_next_call(call, waits_alone, has_time)
    local limiter = call.limiter
    if waits_alone then
      return call.isolation == 1 and math.max(now_us, limiter.free_us - call.reach_us / 2) or WITH_ROOM
    end
    if #call.jobs >= call.max_jobs then return WITH_ROOM end
    if call.examined >= MAX_EXAMINED or call.unparked >= MAX_PARKED or #call.moved > 0 then return now_us end
    local beat_us = limiter.slot_us and next_beat(call)
    local at_us = limiter.slot_us and next_due_call(call, beat_us or math.huge)
    if beat_us and not at_us then
      redis.call('ZADD', P .. 'beats', beat_us, call.worker)
      at_us = beat_us
    end
    -- Or every call made for results or an ad hoc job would add a poll, for good.
    return at_us or has_time and AS_PLANNED or next_poll(limiter)
  end
end
