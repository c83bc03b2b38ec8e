-- enqueue: adds one ad hoc job under an id its caller made; repeating the call changes nothing.
-- KEYS  1 prefix
-- ARGV  1 type  2 user  3 id  4 delay ms  5 life ms (0: none)  6 params, JSON
-- Output  [verdict, job]; verdicts: ok, repeated, unknown (no such type)
-- uses: base facts settle
jobs_move = true
local REMEMBER_MS = 3600000
local WAKEUPS_MAX, WAKEUPS_MS = 16, 5000
if not facts(ARGV[1]) then return { 'unknown', '' } end
local id = P .. 'enqueued:' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3]
local due = now + ARGV[4]
local name = ARGV[1] .. '|' .. ARGV[2] .. '|~' .. ARGV[3] .. '|' .. int(due) .. '|' .. ARGV[5]
if not redis.call('SET', id, name, 'NX', 'PX', REMEMBER_MS) then
  local known = redis.call('GET', id)
  if known and not parse(known).malformed then return { 'repeated', known } end
  if known then note('enqueued:' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3], 'cannot be read', true) end
  redis.call('SET', id, name, 'PX', REMEMBER_MS)
end
redis.call('HSET', P .. 'payload', name, ARGV[6])
make_ready(parse(name), due)
count('enqueued')
flush_counts()
-- One idle worker hears of it at once; workers wait on this list with a connection of their own.
if redis.call('LLEN', P .. 'wakeups') < WAKEUPS_MAX then redis.call('LPUSH', P .. 'wakeups', '1') end
redis.call('PEXPIRE', P .. 'wakeups', WAKEUPS_MS)
return { 'ok', name }
