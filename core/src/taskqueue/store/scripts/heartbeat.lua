-- heartbeat: extends the leases of a worker, returns those it lost, and keeps the worker in the list of workers.
-- KEYS  1 prefix
-- ARGV  1 worker  2 lease ms  3 info, JSON  4 leased jobs, msgpack [leased job, ...]
--       5 handlers, msgpack [name, ...]
-- Output  msgpack [leased job that is lost, ...]
-- uses: base limiter
local FORGET_MS = 3600000
local lost = {}
-- Busy workers do not claim. Heartbeats show that calls get through, so that leases of vanished workers expire.
save_limiter(load_limiter(tonumber(ARGV[2])))
for _, leased_job in ipairs(cmsgpack.unpack(ARGV[4])) do
  if redis.call('ZSCORE', P .. 'leases', leased_job) then
    redis.call('ZADD', P .. 'leases', 'XX', 'GT', now + ARGV[2], leased_job)
  else
    lost[#lost + 1] = leased_job
  end
end
redis.call('HSET', P .. 'workers', ARGV[1], int(now) .. '|' .. ARGV[3])
for _, name in ipairs(cmsgpack.unpack(ARGV[5])) do redis.call('HSET', P .. 'handlers', name, int(now)) end
if now % 20 == 0 then  -- one call in twenty removes the silent workers
  local list = redis.call('HGETALL', P .. 'workers')
  for i = 1, #list, 2 do
    local seen = whole(string.match(list[i + 1], '^%d+'))
    if not seen then note('workers ' .. list[i], 'cannot be read, removed', true) end
    if not seen or now - seen > FORGET_MS then redis.call('HDEL', P .. 'workers', list[i]) end
  end
end
flush_counts()
return cmsgpack.pack(lost)
