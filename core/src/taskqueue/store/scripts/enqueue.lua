-- enqueue: adds one ad hoc job under the caller's id; a repeated call changes nothing.
-- KEYS  1 prefix
-- ARGV  1 type  2 user  3 id  4 delay ms  5 life ms (0: none)  6 params, JSON
-- Output  [verdict, job's name]; verdicts: ok, repeated (the id is known), unknown (no such type)
-- uses: base types definitions queues jobs wakeup
jobs_move = true
local REMEMBER_MS = 3600000
local MAX_WAKEUP_TOKENS = 16
if not find_type(ARGV[1]) then return { 'unknown', '' } end
local id = P .. 'enqueued:' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3]
local due = now + ARGV[4]
local name = ARGV[1] .. '|' .. ARGV[2] .. '|~' .. ARGV[3] .. '|' .. int(due) .. '|' .. ARGV[5]
if not redis.call('SET', id, name, 'NX', 'PX', REMEMBER_MS) then
  local existing = redis.call('GET', id)
  if existing and not parse(existing).malformed then return { 'repeated', existing } end
  if existing then note('enqueued:' .. ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3], 'cannot be read', true) end
  redis.call('SET', id, name, 'PX', REMEMBER_MS)
end
redis.call('HSET', P .. 'payload', name, ARGV[6])
make_ready(parse(name), due)
count('enqueued')
flush_counts()
-- Other scripts need no bound: `pass_wakeup` follows a token that was taken. So a worker's login needs no LLEN.
if redis.call('LLEN', P .. 'wakeup_tokens') < MAX_WAKEUP_TOKENS then wake_worker() end
return { 'ok', name }
