-- put_limits: writes and removes limits by name, if no other caller wrote limits or types since they were read.
-- KEYS  1 prefix
-- ARGV  1 expected version  2 records, msgpack [[limit, record], ...]  3 limits to remove, msgpack [limit, ...]
--       4 owner  5 epoch of the writer
-- Output  [verdict, version]; verdicts: ok, moved (version differs), foreign, deposed (see fence)
-- uses: base fence types definitions queues changed_limits
local version = types_version()
local refusal = fenced(ARGV[4], ARGV[5])
if refusal then return { refusal, tonumber(version) } end
if version ~= ARGV[1] then return { 'moved', tonumber(version) } end
local before = limits_of_types(redis.call('HKEYS', P .. 'types'))
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do
  local name, record = row[1], row[2]
  local stored = redis.call('HGET', P .. 'limits', name)
  if stored and stored ~= record then note_change(name) end
  redis.call('HSET', P .. 'limits', name, record)
end
for _, name in ipairs(cmsgpack.unpack(ARGV[3])) do redis.call('HDEL', P .. 'limits', name) end
note_types(before)
return { 'ok', redis.call('HINCRBY', P .. 'config', 'version', 1) }
