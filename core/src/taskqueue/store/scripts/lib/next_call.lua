-- The next call of a worker. Each worker gets a time of its own, so that a start costs about one call, however many
-- workers idle. Up to due_covered_us the dues, up to backlog_covered_us the slots of a backlog are covered by a call that
-- some worker was told to make. They are two: a backlog may be covered far ahead, and when it ends early the dues after
-- it are not.
local LEAD_US = 6000          -- a worker calls this long before a due
local AHEAD_US = 1000000      -- dues are covered this far ahead; a worker not needed for them idles
local TURNS_US = 550000       -- slots of a backlog are covered this far ahead by a worker that just took some
local SPARE_US = 450000       -- and this far by any other worker
local IDLE_US = 200000        -- idle workers poll in turn, one each IDLE_US
local IDLE_MAX_US = 15000000  -- longest time between two polls of a worker
local WITH_ROOM, AS_PLANNED = -1, 0  -- instead of a time: once a concurrency slot is free; at the time given before

-- Returns when the first slot of the backlog that no call covers begins; nil if other workers cover them.
local function next_backlog_call(call)
  local limiter = call.limiter
  if limiter.backlog_covered_us - now_us > (#call.jobs > 0 and TURNS_US or SPARE_US) then return end
  local at_us = math.max(limiter.backlog_covered_us, limiter.tat_us - HORIZON_US / 2, now_us)
  limiter.backlog_covered_us = at_us + math.min(HORIZON_US / 2, call.max_jobs * limiter.slot_us)
  return at_us
end

-- Returns when the first due that no call covers comes; nil if it is far away.
local function next_due_call(call)
  local limiter = call.limiter
  local covered, next_us = math.max(limiter.due_covered_us, now_us + EARLY_US), math.huge
  for _, lane in ipairs(LANES) do
    local row = redis.call('ZRANGEBYSCORE', P .. 'ready:' .. lane, '(' .. int(math.floor(covered / 1000)), '+inf',
      'WITHSCORES', 'LIMIT', 0, 1)
    if row[2] then next_us = math.min(next_us, row[2] * 1000) end
  end
  local row = redis.call('ZRANGEBYSCORE', P .. 'limits_free_at', '(' .. int(covered), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if row[2] then next_us = math.min(next_us, tonumber(row[2])) end
  if next_us - now_us > AHEAD_US then return end
  limiter.due_covered_us = next_us - LEAD_US + EARLY_US - PROMPT_US
  return next_us - LEAD_US
end

-- Returns the turn of an idle worker.
local function next_poll(limiter)
  limiter.idle_poll_us = math.min(math.max(limiter.idle_poll_us, now_us) + IDLE_US, now_us + IDLE_MAX_US)
  return limiter.idle_poll_us
end

-- Returns when the worker calls again (us), WITH_ROOM or AS_PLANNED. waits_alone: it waits for a suspect, or runs one.
-- has_time: a time given before lies ahead.
local function plan_next_call(call, waits_alone, has_time)
  local limiter = call.limiter
  if waits_alone then
    return call.isolation == 1 and math.max(now_us, limiter.tat_us - HORIZON_US / 2) or WITH_ROOM
  end
  if #call.jobs >= call.max_jobs then return WITH_ROOM end
  if call.examined >= MAX_EXAMINED then return now_us end
  local at_us
  if call.limited then
    at_us = next_backlog_call(call)
  elseif limiter.slot_us then
    at_us = next_due_call(call)
  end
  -- Or every call made for results or an ad hoc job would add a poll, for good.
  return at_us or has_time and AS_PLANNED or next_poll(limiter)
end
