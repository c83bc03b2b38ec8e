-- pass_wakeup: hands a wake-up on to another worker.
-- KEYS  1 prefix
-- ARGV  none
-- Output  number of wake-up tokens
-- uses: base
local waiting = redis.call('LPUSH', P .. 'wakeup_tokens', '1')
redis.call('PEXPIRE', P .. 'wakeup_tokens', 5000)
return waiting
