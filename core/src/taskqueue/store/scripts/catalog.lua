-- catalog: the task types, pauses and the limit, read in one step.
-- KEYS  1 prefix
-- ARGV  none
-- Output  [now ms, version or false, rate or false, installed ms or false, [type, record, ...], [name, override, ...],
--         replay (JSON) or false, refilling or false]
-- uses: base
local config = redis.call('HMGET', P .. 'config', 'version', 'rate', 'replay', 'refilling')
return { now, config[1], config[2], redis.call('GET', P .. 'installed'), redis.call('HGETALL', P .. 'types'),
  redis.call('HGETALL', P .. 'overrides'), config[3], config[4] }
