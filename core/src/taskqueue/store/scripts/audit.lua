-- audit: counts all jobs and counters in one step, to check that every job that came in is in exactly one place.
-- KEYS  1 prefix
-- ARGV  none
-- Output  msgpack {ready: {lane: jobs}, due: {lane: jobs}, parked, suspects, leased, dead_letters,
--         totals: {counter: value}, difference: jobs in - out - present, cursor: ms (-1: none), now: ms}
-- uses: base
local jobs = count_jobs()
local answer = {
  ready = jobs.ready, due = {}, parked = jobs.parked, suspects = jobs.suspects, leased = jobs.leased,
  cursor = read_cursor() or -1, now = now,
}
for _, lane in ipairs(LANES) do answer.due[lane] = 0 end
for _, lane in ipairs(list_lanes_with_jobs()) do
  local priority = string.match(lane, '%l+$')
  local due = redis.call('ZCOUNT', P .. 'ready:' .. lane, '-inf', now)
  if answer.due[priority] then answer.due[priority] = answer.due[priority] + due end
end
answer.dead_letters = redis.call('ZCARD', P .. 'dead')
answer.totals = read_balanced()
answer.difference = difference(answer.totals, jobs)
return cmsgpack.pack(answer)
