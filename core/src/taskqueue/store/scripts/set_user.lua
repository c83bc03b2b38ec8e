-- set_user: replaces all that one user wants, as a whole; deals numbers to new subscriptions and frees those of removed ones.
-- KEYS  1 prefix
-- ARGV  1 user  2 source (folder, kubernetes, import)  3 digest of what is wanted
--       4 tasks, msgpack [[type, params JSON, suspended 0 or 1], ...]; none removes the user
-- Output  [verdict, numbers dealt, numbers freed]; verdicts: ok, foreign (an import owns this user)
-- uses: base facts deal
local user, source, digest = ARGV[1], ARGV[2], ARGV[3]
local wanted = cmsgpack.unpack(ARGV[4])
local tasks_key = P .. 'users:' .. user .. ':tasks'

local owner = redis.call('HGET', P .. 'users', user)
if owner and string.match(owner, '^[^|]*') == 'import' and source ~= 'import' then return { 'foreign', 0, 0 } end

local held, dealt, freed = {}, 0, 0
local list = redis.call('HGETALL', tasks_key)
for i = 1, #list, 2 do held[list[i]] = list[i + 1] end

for _, task in ipairs(wanted) do
  local kind, params, suspended = task[1], task[2], task[3] == 1
  local record = held[kind]
  held[kind] = nil
  if record then
    local k, generation, was_suspended = read_record(record)
    write_record(tasks_key, kind, k, generation, suspended, params)
    if was_suspended ~= suspended then mark(kind, user, suspended) end
  else
    deal(kind, user, suspended, params, tasks_key)
    dealt = dealt + 1
  end
end
for kind, record in pairs(held) do
  local k, generation = read_record(record)
  for one in pairs(dealing(kind).classes) do redis.call('ZREM', P .. 'schedule:' .. kind .. ':' .. one, user) end
  redis.call('ZREM', P .. 'schedule:' .. kind .. ':' .. generation, user)  -- the waiting room of a type being removed
  free(kind, k, generation)
  redis.call('HDEL', tasks_key, kind)
  redis.call('HDEL', P .. 'users:' .. user .. ':runs', kind)
  freed = freed + 1
end
if #wanted > 0 then
  redis.call('HSET', P .. 'users', user, source .. '|' .. digest)
else
  redis.call('HDEL', P .. 'users', user)
end
return { 'ok', dealt, freed }
