-- cancel: ends jobs that wait or are leased, each only if it is still where it was seen.
-- KEYS  1 prefix
-- ARGV  1 jobs by place, msgpack {place: [job or leased job, ...]}; places: ready:QUEUE:LANE, parked:QUEUE|LIMIT,
--         suspects, leases
-- Output  [job or leased job that ended, ...]
-- A worker learns at its next heartbeat that a lease is gone, as for a replaced job.
-- uses: base types definitions queues jobs
jobs_move = true
local cancelled, exclusive = {}, {}  -- exclusive: subscriptions of exclusive jobs that ended

-- Removes members of a place; returns those that were there. A scan may have seen one twice.
local function take(place, members)
  local there = {}
  for _, member in ipairs(members) do
    if redis.call('ZREM', P .. place, member) == 1 then there[#there + 1] = member end
  end
  return there
end

-- Has the counts of a queue follow jobs that are parked no longer. A limit without jobs would be looked at for nothing.
local function unpark(parked, jobs)
  count_parked(string.match(parked, '^[^|]*'), -jobs)
  if redis.call('EXISTS', P .. 'parked:' .. parked) == 0 then redis.call('ZREM', P .. 'limits_free_at', parked) end
end

for place, members in pairs(cmsgpack.unpack(ARGV[1])) do
  local there, parked = take(place, members), string.match(place, '^parked:(.*)$')
  if parked then unpark(parked, #there) end
  for _, member in ipairs(there) do
    local name, is_exclusive = member, false
    if place == 'leases' then name, is_exclusive = split_leased(member) end
    local job = parse(name)
    finish(name, job.adhoc)
    if is_exclusive then exclusive[#exclusive + 1] = job.type .. '|' .. job.user end
    cancelled[#cancelled + 1] = member
  end
end
flush_forgotten()
if #exclusive > 0 then redis.call('HDEL', P .. 'exclusive', unpack(exclusive)) end
if #cancelled > 0 then count('cancelled', #cancelled) end
flush_counts()
return cancelled
