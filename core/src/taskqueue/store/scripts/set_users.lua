-- set_users: replaces all that each of some users wants, as a whole; deals numbers to new subscriptions and frees those of
-- removed ones. The caller bounds the call by the number of tasks in it.
-- KEYS  1 prefix
-- ARGV  1 source (folder, kubernetes, import, client)
--       2 users, msgpack [[user, digest of what is wanted, [[type, params JSON, suspended 0 or 1], ...]], ...]; no task removes one
--       3 owner  4 epoch of the writer, for the sources folder and kubernetes
--       5 with one user: the value that the user must have in `users`, or '' for a new user; absent: any
-- Output  [verdict, msgpack [user of another source, ...]]; verdicts: ok, moved (see 5), foreign, deposed (see fence)
-- uses: base facts deal fence
local source = ARGV[1]
local manifests = source == 'folder' or source == 'kubernetes'
local refusal = manifests and fenced(ARGV[3], ARGV[4])
if refusal then return { refusal, cmsgpack.pack({}) } end

local function set_user(user, digest, wanted)
  local tasks_key = P .. 'users:' .. user .. ':tasks'
  local held = {}
  local list = redis.call('HGETALL', tasks_key)
  for i = 1, #list, 2 do held[list[i]] = list[i + 1] end

  for _, task in ipairs(wanted) do
    local kind, params, suspended = task[1], task[2], task[3] == 1
    local record = held[kind]
    held[kind] = nil
    local k, generation, was_suspended = read_record(record or '')
    if k then
      write_record(tasks_key, kind, k, generation, suspended, params)
      if was_suspended ~= suspended then mark(kind, user, suspended) end
    else
      deal(kind, user, suspended, params, tasks_key)
      if record then mark(kind, user, suspended) end  -- it could not be read
    end
  end
  for kind, record in pairs(held) do
    local k, generation = read_record(record)
    for one in pairs(dealing(kind).classes) do redis.call('ZREM', P .. 'schedule:' .. kind .. ':' .. one, user) end
    if k then
      redis.call('ZREM', P .. 'schedule:' .. kind .. ':' .. generation, user)  -- the waiting room of a type being removed
      free(kind, k, generation)
    end
    redis.call('HDEL', tasks_key, kind)
    redis.call('HDEL', P .. 'users:' .. user .. ':runs', kind)
  end
  if #wanted > 0 then
    redis.call('HSET', P .. 'users', user, source .. '|' .. digest)
  else
    redis.call('HDEL', P .. 'users', user)
  end
end

-- One user has one source. Manifests leave the users of imports and clients alone; an import takes over users of manifests;
-- a client takes over none.
local function is_kept(stored)
  local owner = stored and string.match(stored, '^[^|]*')
  if not owner or owner == source then return false end
  return source == 'client' or owner == 'client' or owner == 'import'
end

local refused = {}
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do
  local stored = redis.call('HGET', P .. 'users', row[1])
  if is_kept(stored) then
    refused[#refused + 1] = row[1]
  elseif ARGV[5] and ARGV[5] ~= (stored or '') then
    return { 'moved', cmsgpack.pack({}) }
  else
    set_user(row[1], row[2], row[3])
  end
end
return { 'ok', cmsgpack.pack(refused) }
