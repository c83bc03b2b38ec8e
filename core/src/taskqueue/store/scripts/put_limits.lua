-- put_limits: writes and removes limits by name, if no other caller wrote limits or types since they were read.
-- KEYS  1 prefix
-- ARGV  1 expected version  2 records, msgpack [[limit, record], ...]  3 limits to remove, msgpack [limit, ...]
--       4 owner  5 epoch of the writer
-- Output  [verdict, version]; verdicts: ok, moved (version differs), foreign, deposed (see fence)
-- uses: base fence types definitions queues moves
local version = types_version()
local refusal = fenced(ARGV[4], ARGV[5])
if refusal then return { refusal, tonumber(version) } end
if version ~= ARGV[1] then return { 'moved', tonumber(version) } end
local before, users_wait_anew = queues_of(redis.call('HKEYS', P .. 'types')), false
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do
  users_wait_anew = users_wait_anew or string.sub(row[2], 1, 1) == 'U'
  redis.call('HSET', P .. 'limits', row[1], row[2])
end
-- Parked jobs are looked at again, some in each call: their limits may be free earlier now.
if users_wait_anew then redis.call('ZUNIONSTORE', P .. 'limits_free_at', 1, P .. 'limits_free_at', 'WEIGHTS', '0') end
for _, name in ipairs(cmsgpack.unpack(ARGV[3])) do redis.call('HDEL', P .. 'limits', name) end
note_moves(before)
return { 'ok', redis.call('HINCRBY', P .. 'config', 'version', 1) }
