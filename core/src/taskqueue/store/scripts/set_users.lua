-- set_users: replaces all subscriptions of each given user; deals numbers to new subscriptions and frees those of
-- removed ones. The caller bounds the number of subscriptions.
-- KEYS  1 prefix
-- ARGV  1 source (folder, kubernetes, import, client)
--       2 users, msgpack [[user, digest, [[type, params JSON, suspended 0 or 1], ...]], ...]; a user without any is removed
--       3 owner  4 epoch of the writer, for the sources folder and kubernetes
--       5 with one user: the value that the user must have in `users`, or '' for a new user; absent: any
-- Output  [verdict, msgpack [user of another source, refused, ...]]; verdicts: ok, moved (see 5), foreign, deposed
--         (lib/fence.lua)
-- uses: base types deal fence
local source = ARGV[1]
local manifests = source == 'folder' or source == 'kubernetes'
local refusal = manifests and fenced(ARGV[3], ARGV[4])
if refusal then return { refusal, cmsgpack.pack({}) } end

local function set_user(user, digest, desired)
  local subscriptions_key = P .. 'subscriptions:' .. user
  local stored = {}
  local list = redis.call('HGETALL', subscriptions_key)
  for i = 1, #list, 2 do stored[list[i]] = list[i + 1] end

  for _, subscription in ipairs(desired) do
    local type_name, params, suspended = subscription[1], subscription[2], subscription[3] == 1
    local record = stored[type_name]
    stored[type_name] = nil
    local k, generation, was_suspended = read_record(record or '')
    if k then
      write_record(subscriptions_key, type_name, k, generation, suspended, params)
      if was_suspended ~= suspended then set_suspended(type_name, user, suspended) end
    else
      deal(type_name, user, suspended, params, subscriptions_key)
      if record then set_suspended(type_name, user, suspended) end  -- an unreadable record
    end
  end
  for type_name, record in pairs(stored) do
    local k, generation = read_record(record)
    for number in pairs(generations_of(type_name).classes) do
      redis.call('ZREM', P .. 'schedule:' .. type_name .. ':' .. number, user)
    end
    if k then
      redis.call('ZREM', P .. 'schedule:' .. type_name .. ':' .. generation, user)  -- 0: its type is being removed
      free_number(type_name, k, generation)
    end
    redis.call('HDEL', subscriptions_key, type_name)
    redis.call('HDEL', P .. 'runs:' .. user, type_name)
  end
  if #desired > 0 then
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
