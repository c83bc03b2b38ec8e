-- claim: settles results of the previous batch, takes expired leases back, then leases jobs whose starts fit the
-- limits.
-- KEYS  1 prefix
-- ARGV  1 worker, NAME.CHANNEL  2 seq, grows by 1 a call  3 most jobs  4 lease ms
--       5 results, msgpack [[leased job, outcome, wait ms, text, ran us], ...] (lib/settle.lua)
--       6 whether the worker has a time to call again that lies ahead, 1 or 0
--       7 suspects: 0 not now, 1 would run one alone, 2 runs nothing and waits for one
-- Output  msgpack [now us, version, rate, next call us, [[leased job, start us, params, failures, losses], ...],
--         isolation, closed until us]
--         rate: -1 if none is set. next call: -1 as soon as a slot is free, 0 the worker's own time is enough
--         isolation: 1 become empty and call with suspects = 2; 2 the one job is a suspect, run no other with it
--         closed until: a handler closed the global limit until then; 0 if it is open
-- A repeated call (same worker and seq) gives the same jobs, less those lost meanwhile, and settles nothing twice.
-- uses: base types limiter limits jobs settle reap call admission lanes parked suspects next_call
jobs_move = true

-- Leases jobs in the order of their starts: from the lanes, and at most every second slot a parked one.
local function take_jobs(call)
  local waiting, picked, at, heads, parked_last = list_waiting(call), {}, 1, {}, false
  local function remove_heads()
    for lane, number in pairs(heads) do
      if number > 0 then redis.call('ZREMRANGEBYRANK', P .. 'ready:' .. LANES[lane], 0, number - 1) end
    end
    heads = {}
  end
  while #call.jobs < call.max_jobs and call.examined < MAX_EXAMINED do
    local start_us = next_start(call)
    call.limited = start_us > call.horizon_us
    if call.limited then break end
    if at > #picked then
      remove_heads()
      local fit = math.floor((call.horizon_us - start_us) / call.limiter.slot_us) + 1
      picked, at = pick(call, math.min(call.max_jobs - #call.jobs, fit), start_us), 1
    end
    local job = picked[at]
    local is_free = waiting[1] and waiting[1].free <= math.max(start_us, now_us + EARLY_US)
    if is_free and not (parked_last and job) then
      take_parked(call, waiting, start_us)
      parked_last = true
    elseif job then
      heads[job.lane] = (heads[job.lane] or 0) + take_ready(call, job, start_us)
      at, parked_last = at + 1, false
    else
      break
    end
    call.examined = call.examined + 1
  end
  remove_heads()
end

-- Writes the leases and reads the attempts of the leased jobs.
local function write_leases(call)
  if #call.leases > 0 then redis.call('ZADD', P .. 'leases', unpack(call.leases)) end
  if #call.jobs == 0 then return end
  count('leased', #call.jobs)
  if redis.call('EXISTS', P .. 'attempts') == 0 then return end
  for i, record in ipairs(redis.call('HMGET', P .. 'attempts', unpack(call.names))) do
    if record then call.jobs[i][4], call.jobs[i][5] = read_attempts(call.names[i], record) end
  end
end

-- Tells whether it is time to take jobs. While more than half of the horizon is reserved, a call takes nothing and leaves
-- the rest to the worker that was called for it: so a call takes half a horizon's worth or nothing, instead of a part for
-- every idle worker that polls. No job starts later.
local function is_time(call)
  if not call.limiter.slot_us then return false end  -- without a rate there is no time worth calling at
  call.limited = call.limiter.tat_us > now_us + HORIZON_US / 2 + PROMPT_US
  return call.max_jobs > 0 and not call.limited
end

local call = open_call(ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
if recall(call) then return answer_call(call, now_us, cmsgpack.pack(call.jobs)) end
settle_results(call.limiter, cmsgpack.unpack(ARGV[5]))
reap_expired(call.limiter, call.lease_ms)
local waits_alone = isolate(call, ARGV[7])
if not waits_alone and is_time(call) then take_jobs(call) end
write_leases(call)
flush_forgotten()
flush_served()
flush_limits()
local packed = cmsgpack.pack(call.jobs)
local next_call_us = plan_next_call(call, waits_alone, ARGV[6] == '1')
remember_call(call, packed)
return answer_call(call, next_call_us, packed)
