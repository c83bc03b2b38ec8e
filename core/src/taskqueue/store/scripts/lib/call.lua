-- A call of a worker: its arguments, the memory of its channel, and its answer. `claims:WORKER.CHANNEL` keeps the
-- channel's last call for the time of a lease, so that a call whose answer was lost can be repeated: SEQ|ISOLATION|JOBS,
-- the jobs in msgpack.

local EARLY_US = 10000    -- a job may be leased this long before its due; longer would make later jobs wait
local PROMPT_US = 3000    -- a worker may call this early
local AHEAD_US = 1000000  -- dues are covered this far ahead by next calls; a worker not needed for them idles
-- Where limits share paths, a limit that is booked far ahead would make the others wait as long.
local SHARED_HORIZON_US = 100000
local MAX_EXAMINED = 200  -- jobs examined in a call: bounds a call that parks or drops more than it starts

-- Returns a call by its arguments, and what it has found so far.
--   jobs          leased jobs, as the answer lists them; suffix: what makes a job a leased one
--   leases        of these jobs, to write at the end, as arguments of ZADD;  holders: of `exclusive`, by subscription
--   adhoc         leased ad hoc jobs, by name
--   open          open lanes;  waiting, ready, ready_lanes, parked: see lib/turns.lua, lib/sweep.lua
--   turned        new positions of queues;  moved: jobs to put into other queues
--   examined      jobs examined;  unparked: leased jobs that were parked
--   isolation     1: become empty, and call for a suspect; 2: the one job is a suspect
local function open_call(worker, seq, max_jobs, lease_ms)
  local limiter = load_limiter(lease_ms)
  limits[GLOBAL] = limiter
  if limiter.version ~= limiter.seen_version then look_again() end
  limiter.seen_version = limiter.version
  local shared = limiter.shared_until_us > now_us or is_there('limits')
  local reach_us = shared and SHARED_HORIZON_US or HORIZON_US
  return {
    worker = worker, seq = seq, suffix = '|' .. worker .. '|' .. seq, max_jobs = max_jobs, lease_ms = lease_ms,
    limiter = limiter, reach_us = reach_us, horizon_us = now_us + reach_us, soon = now + EARLY_US / 1000,
    open = {}, waiting = {}, ready = {}, ready_lanes = 0, parked = {}, turned = {}, moved = {},
    jobs = {}, leases = {}, holders = {}, adhoc = {}, examined = 0, unparked = 0, isolation = 0,
  }
end

local function is_job(job)
  return type(job) == 'table' and type(job[1]) == 'string' and type(job[2]) == 'number' and type(job[3]) == 'string'
    and type(job[4]) == 'number' and type(job[5]) == 'number' and (job[2] + job[4] + job[5]) % 1 == 0
    and not parse((split_leased(job[1]))).malformed
end

-- Returns the jobs of a record that are still leased; nil if it cannot be read: then the call is new, and those leases
-- expire.
local function still_leased(text)
  local given, jobs = unpacked(text), {}
  if type(given) ~= 'table' then return end
  for _, job in ipairs(given) do
    if not is_job(job) then return end
    if redis.call('ZSCORE', P .. 'leases', job[1]) then jobs[#jobs + 1] = job end
  end
  return jobs
end

-- Takes over the jobs of an earlier call with the same number, and tells whether the call is not new. The answer to a
-- late copy of an older call is not read: it is empty.
local function recall(call)
  local name = 'claims:' .. call.worker
  local text, cursor = unpack(redis.call('MGET', P .. name, P .. 'cursor'))
  call.cursor = cursor
  text = text or redis.call('GET', P .. name)  -- MGET sets no key of another type aside
  if not text then return false end
  local seq, isolation, packed = string.match(text, '^(%d+)|(%d)|()')
  local repeated = seq == call.seq and still_leased(string.sub(text, packed))
  if not whole(seq) or repeated == nil then note(name, 'cannot be read', true) end
  if not repeated then return (whole(seq) or 0) > tonumber(call.seq) end
  call.jobs, call.isolation = repeated, tonumber(isolation)
  return true
end

-- Keeps the packed jobs of this call.
local function remember_call(call, packed)
  redis.call('SET', P .. 'claims:' .. call.worker, call.seq .. '|' .. call.isolation .. '|' .. packed, 'PX', call.lease_ms)
end

-- Saves the state of the limiter and returns the answer. packed: the jobs, packed once for answer and memory.
local ARRAY_OF_7 = '\151'
local function answer_call(call, next_call_us, packed)
  local limiter = call.limiter
  save_limiter(limiter)
  flush_counts()
  local closed_us = limiter.closed_until_us > now_us and math.floor(limiter.closed_until_us) or 0
  local per_second = limiter.slot_us and STRETCH * 1000000 / limiter.slot_us or -1
  return ARRAY_OF_7 .. cmsgpack.pack(now_us, limiter.version, per_second, math.floor(next_call_us)) .. packed
    .. cmsgpack.pack(call.isolation, closed_us)
end
