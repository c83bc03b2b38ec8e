-- audit: every job that came in is somewhere, exactly once; read in one step, so it holds at any time.
-- KEYS  1 prefix
-- ARGV  none
-- Output  msgpack {counters and sizes by name, difference = in - out - held, cursor ms, now ms}
-- uses: base
local held = read_held()
local answer = { ready = held.ready, due = {}, parked = held.parked, suspects = held.suspects, leased = held.leased, cursor = read_cursor() or -1, now = now }
for _, lane in ipairs(LANES) do answer.due[lane] = redis.call('ZCOUNT', P .. 'ready:' .. lane, '-inf', now) end
answer.dead_letters = redis.call('ZCARD', P .. 'dead')
answer.totals = read_balanced()
answer.difference = difference(answer.totals, held)
return cmsgpack.pack(answer)
