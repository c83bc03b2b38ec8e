-- pass_wakeup: hands a wake-up on to another worker.
-- KEYS  1 prefix
-- ARGV  none
-- Output  number of wake-up tokens
-- uses: base wakeup
return wake_worker()
