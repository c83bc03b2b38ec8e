-- pass_wakeup: hands a wake-up to another worker.
-- KEYS  1 prefix
-- ARGV  none
-- Output  number of wake-ups that wait
-- uses: base
local waiting = redis.call('LPUSH', P .. 'wakeups', '1')
redis.call('PEXPIRE', P .. 'wakeups', 5000)
return waiting
