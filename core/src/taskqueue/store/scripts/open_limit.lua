-- open_limit: opens a limit that a handler shut, for all workers.
-- KEYS  1 prefix
-- ARGV  1 limit: global, type:TYPE or user:USER
-- Output  until when it was shut, us; 0 if it was open
-- uses: base
local WAKEUPS_MS = 5000
local was
if ARGV[1] == 'global' then
  was = tonumber(redis.call('HGET', P .. 'limiter', 'closed')) or 0
  if was > now_us then redis.call('HSET', P .. 'limiter', 'closed', 0) end
else
  was = tonumber(redis.call('ZSCORE', P .. 'closed', ARGV[1])) or 0
  redis.call('ZREM', P .. 'closed', ARGV[1])
  if was > now_us then redis.call('ZADD', P .. 'wake', 'XX', int(now_us), ARGV[1]) end
end
if was <= now_us then return 0 end
redis.call('LPUSH', P .. 'wakeups', '1')  -- an idle worker comes at once
redis.call('PEXPIRE', P .. 'wakeups', WAKEUPS_MS)
return math.floor(math.min(was, 1e16))
