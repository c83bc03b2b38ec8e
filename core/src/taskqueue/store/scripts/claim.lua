-- claim: settles results of the previous batch, takes expired leases back, then leases jobs whose starts fit the
-- limits.
-- KEYS  1 prefix
-- ARGV  1 worker, NAME.CHANNEL  2 seq, grows by 1 a call  3 most jobs  4 lease ms
--       5 results, msgpack [[leased job of a done job, ...], [its run time us, ...],
--         [[leased job, outcome, wait ms, text, ran us], ...]] (lib/settle.lua)
--       6 whether the worker has a time to call again that lies ahead, 1 or 0
--       7 suspects: 0 not now, 1 would run one alone, 2 runs nothing and waits for one
-- Output  msgpack [now us, version, rate, next call us, [[leased job, start us, params, failures, losses], ...],
--         isolation, closed until us]
--         rate: -1 if none is set. next call: -1 as soon as a slot is free, 0 the worker's own time is enough
--         isolation: 1 become empty and call with suspects = 2; 2 the one job is a suspect, run no other with it
--         closed until: a handler closed the global limit until then; 0 if it is open
-- A repeated call (same worker and seq) gives the same jobs, less those lost meanwhile, and settles nothing twice.
-- uses: base types definitions queues limiter limits paths refusals jobs suspensions runs breaker settle reap call lanes turns admission parked sweep suspects next_call
jobs_move = true

-- Reads the params of the leased ad hoc jobs.
local function read_payloads(call)
  local names = {}
  for name in pairs(call.adhoc) do names[#names + 1] = name end
  if #names == 0 then return end
  for i, params in ipairs(redis.call('HMGET', P .. 'payload', unpack(names))) do
    if params then call.adhoc[names[i]][3] = params end
  end
end

-- Writes the leases and reads the attempts of the leased jobs.
local function write_leases(call)
  if #call.jobs == 0 then return end
  redis.call('ZADD', P .. 'leases', unpack(call.leases))
  local exclusive = {}
  for subscription, leased_job in pairs(call.holders) do
    exclusive[#exclusive + 1] = subscription
    exclusive[#exclusive + 1] = leased_job
  end
  if #exclusive > 0 then redis.call('HSET', P .. 'exclusive', unpack(exclusive)) end
  count('leased', #call.jobs)
  read_payloads(call)
  if not is_there('attempts') then return end
  local names = {}
  for i, job in ipairs(call.jobs) do names[i] = split_leased(job[1]) end
  for i, record in ipairs(redis.call('HMGET', P .. 'attempts', unpack(names))) do
    if record then call.jobs[i][4], call.jobs[i][5] = read_attempts(names[i], record) end
  end
end

local call = open_call(ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
if recall(call) then return answer_call(call, now_us, cmsgpack.pack(call.jobs)) end
settle_results(call.limiter, unpack(cmsgpack.unpack(ARGV[5])))
reap_expired(call.limiter, call.lease_ms)
flush_served()
judge_deaths()
local waits_alone = isolate(call, ARGV[7])
if not waits_alone and call.max_jobs > 0 and call.limiter.slot_us then take_jobs(call) end
write_leases(call)
flush_forgotten()
flush_limits()
local packed = cmsgpack.pack(call.jobs)
local next_call_us = plan_next_call(call, waits_alone, ARGV[6] == '1')
remember_call(call, packed)
return answer_call(call, next_call_us, packed)
