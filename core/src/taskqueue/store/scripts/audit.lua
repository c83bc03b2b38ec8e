-- audit: every job that came in is somewhere, exactly once; read in one step, so it holds at any time.
-- KEYS  1 prefix
-- ARGV  none
-- Output  msgpack {counters and sizes by name, difference = in - out - held, cursor ms, now ms}
-- uses: base
local answer = { ready = {}, due = {}, parked = 0, cursor = tonumber(redis.call('GET', P .. 'cursor')) or -1, now = now }
local held = 0
for _, lane in ipairs({ 'high', 'normal', 'low', 'backfill' }) do
  answer.ready[lane] = redis.call('ZCARD', P .. 'ready:' .. lane)
  answer.due[lane] = redis.call('ZCOUNT', P .. 'ready:' .. lane, '-inf', now)
  held = held + answer.ready[lane]
end
for _, narrow in ipairs(redis.call('ZRANGE', P .. 'wake', 0, -1)) do
  answer.parked = answer.parked + redis.call('ZCARD', P .. 'parked:' .. narrow)
end
answer.suspects = redis.call('ZCARD', P .. 'suspects')
answer.parked = answer.parked + answer.suspects
answer.leased = redis.call('ZCARD', P .. 'leased')
answer.dead_letters = redis.call('ZCARD', P .. 'dead')
local totals = { emitted = 0 }  -- never empty: cmsgpack takes an empty table for a list
local list = redis.call('HGETALL', P .. 'metrics')
for i = 1, #list, 2 do totals[list[i]] = tonumber(list[i + 1]) end
local flow = held + answer.parked + answer.leased
for _, name in ipairs({ 'done', 'dead', 'expired', 'skipped', 'replaced' }) do flow = flow + (totals[name] or 0) end
for _, name in ipairs({ 'emitted', 'enqueued', 'redriven' }) do flow = flow - (totals[name] or 0) end
answer.totals = totals
answer.difference = -flow
return cmsgpack.pack(answer)
