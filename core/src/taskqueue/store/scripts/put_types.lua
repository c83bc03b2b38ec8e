-- put_types: writes and removes records of task types, if no other caller did so since they were read.
-- KEYS  1 prefix
-- ARGV  1 expected version  2 records, msgpack [[type, record], ...]  3 types to remove, msgpack [type, ...]
--       4 generations to delete, msgpack [[type, number], ...]  5 msgpack [[type, ms], ...]: refuse if a type was emitted up to this
--       6 owner  7 epoch of the writer
-- Output  [verdict, version]; verdicts: ok, moved (version differs), late (see 5), foreign, deposed (see fence)
-- uses: base installed fence types definitions queues changed_limits
local version = types_version()
local refusal = fenced(ARGV[6], ARGV[7])
if refusal then return { refusal, tonumber(version) } end
if version ~= ARGV[1] then return { 'moved', tonumber(version) } end
local cursor = read_cursor()
for _, row in ipairs(cmsgpack.unpack(ARGV[5])) do
  local reached = number_at('behind', row[1]) or cursor
  if reached and reached >= row[2] then return { 'late', tonumber(version) } end
end

local names = {}
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do names[#names + 1] = row[1] end
local before = limits_of_types(names)
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do redis.call('HSET', P .. 'types', row[1], row[2]) end
note_types(before)
for _, type_name in ipairs(cmsgpack.unpack(ARGV[3])) do
  redis.call('HDEL', P .. 'types', type_name)
  redis.call('HDEL', P .. 'behind', type_name)
end
for _, row in ipairs(cmsgpack.unpack(ARGV[4])) do redis.call('UNLINK', P .. 'schedule:' .. row[1] .. ':' .. row[2]) end
if redis.call('HLEN', P .. 'service_times') > redis.call('HLEN', P .. 'types') then  -- drop those of removed types
  for _, type_name in ipairs(redis.call('HKEYS', P .. 'service_times')) do
    if redis.call('HEXISTS', P .. 'types', type_name) == 0 then
      redis.call('HDEL', P .. 'service_times', type_name)
      redis.call('HDEL', P .. 'deaths', type_name)
    end
  end
end
-- A new store begins now. Later a missing cursor means loss, and tick refuses to go on.
if write_installed() then redis.call('SET', P .. 'cursor', int(now), 'NX') end
return { 'ok', redis.call('HINCRBY', P .. 'config', 'version', 1) }
