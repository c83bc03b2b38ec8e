-- try_suspended: lets the next job of a subscription through that the circuit breaker suspended.
-- KEYS  1 prefix
-- ARGV  1 type  2 user
-- Output  verdict: ok, active (the circuit breaker has not suspended it), unknown (no such subscription)
-- uses: base types generations variants deal suspensions trials users
local type_name, user = ARGV[1], ARGV[2]
local text = redis.call('HGET', P .. 'subscriptions:' .. user, type_name)
local record = text and read_record(text)
if not record then return 'unknown' end
if not is_suspended_by_breaker(record) then return 'active' end
begin_trial_of(type_name, user, record)
update_scores(type_name, user, record, zone_of(user))
return 'ok'
