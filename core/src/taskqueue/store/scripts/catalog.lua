-- catalog: the task types, pauses and the limit, read in one step.
-- KEYS  1 prefix
-- ARGV  none
-- Output  [now ms, version or false, rate or false, installed ms or false, [type, record, ...], [name, override, ...],
--         replay (JSON) or false, refilling or false]
-- uses: base
local version, installed = types_version(), redis.call('GET', P .. 'installed')
if installed and not whole(installed) then  -- it tells stores apart: as another one this is compared, and published again
  note('installed')
  installed = int(now)
  redis.call('SET', P .. 'installed', installed)
end
local config = redis.call('HMGET', P .. 'config', 'rate', 'replay', 'refilling')
return { now, version, config[1], installed, redis.call('HGETALL', P .. 'types'), redis.call('HGETALL', P .. 'overrides'),
  config[2], config[3] }
