-- heartbeat: extends the leases a worker still holds and says which it lost; keeps the worker in the list of workers.
-- KEYS  1 prefix
-- ARGV  1 worker  2 lease ms  3 info, JSON  4 members, msgpack [member, ...]  5 handlers, msgpack [name, ...]
-- Output  msgpack [member lost, ...]
-- uses: base limiter
local FORGET_MS = 3600000
local lost = {}
-- While all workers are busy nobody claims; heartbeats show that they could, so that leases of the dead run out.
close_limiter(open_limiter(tonumber(ARGV[2])))
for _, member in ipairs(cmsgpack.unpack(ARGV[4])) do
  if redis.call('ZSCORE', P .. 'leased', member) then
    redis.call('ZADD', P .. 'leased', 'XX', 'GT', now + ARGV[2], member)
  else
    lost[#lost + 1] = member
  end
end
redis.call('HSET', P .. 'workers', ARGV[1], int(now) .. '|' .. ARGV[3])
for _, name in ipairs(cmsgpack.unpack(ARGV[5])) do redis.call('HSET', P .. 'handlers', name, int(now)) end
if now % 20 == 0 then  -- now and then, forget the workers that fell silent
  local list = redis.call('HGETALL', P .. 'workers')
  for i = 1, #list, 2 do
    local seen = whole(string.match(list[i + 1], '^%d+'))
    if not seen then note('workers ' .. list[i], 'cannot be read, removed', true) end
    if not seen or now - seen > FORGET_MS then redis.call('HDEL', P .. 'workers', list[i]) end
  end
end
flush_counts()
return cmsgpack.pack(lost)
