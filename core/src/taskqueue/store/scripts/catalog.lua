-- catalog: reads task types, pauses and the limit in one step.
-- KEYS  1 prefix
-- ARGV  none
-- Output  [now ms, version, rate or false, installed ms or false, [type, record, ...], [name, override, ...],
--         replay (JSON) or false, refilling or false, [limit, record, ...],
--         [type, ms, ...] of types whose queue was full: jobs before are emitted, see tick, [variant, number, ...]]
-- uses: base installed variants
local version = types_version()
local installed, text = read_installed()
if text and not installed then  -- the time tells stores apart: with another one, the manifests are published again
  note('installed')
  redis.call('UNLINK', P .. 'installed')
  write_installed()
  installed = now
end
local config = redis.call('HMGET', P .. 'config', 'rate', 'replay', 'refilling')
local types, overrides = redis.call('HGETALL', P .. 'types'), redis.call('HGETALL', P .. 'overrides')
local limits, behind = redis.call('HGETALL', P .. 'limits'), redis.call('HGETALL', P .. 'behind')
read_variants()  -- numbers unreadable ones again
local variants = redis.call('HGETALL', P .. 'variants')
return { now, version, config[1], installed or false, types, overrides, config[2], config[3], limits, behind, variants }
