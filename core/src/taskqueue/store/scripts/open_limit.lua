-- open_limit: opens a limit that a handler closed, for all workers.
-- KEYS  1 prefix
-- ARGV  1 limit: global, NAME, NAME|USER or type:TYPE
-- Output  until when the limit was closed, us; 0 if it was open
-- uses: base types definitions queues changed_limits wakeup
local closed_us
if ARGV[1] == 'global' then
  closed_us = tonumber(redis.call('HGET', P .. 'limiter', 'closed_until_us')) or 0
  if closed_us > now_us then redis.call('HSET', P .. 'limiter', 'closed_until_us', 0) end
else
  closed_us = tonumber(redis.call('ZSCORE', P .. 'limits_closed_until', ARGV[1])) or 0
  redis.call('ZREM', P .. 'limits_closed_until', ARGV[1])
  look_at_parked(ARGV[1])
end
if closed_us <= now_us then return 0 end
if not string.find(ARGV[1], '|') then note_change(ARGV[1]) end  -- parked jobs may have waited for their queue's path
look_again()
wake_worker()
return math.floor(math.min(closed_us, 1e16))
