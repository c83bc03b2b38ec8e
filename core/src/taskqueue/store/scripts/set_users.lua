-- set_users: replaces all subscriptions of each given user; deals numbers to new subscriptions and frees those of
-- removed ones. The caller bounds the number of subscriptions.
-- KEYS  1 prefix
-- ARGV  1 source (folder, kubernetes, import, client)
--       2 users, msgpack [[user, digest, [[type, params JSON, suspended 0 or 1], ...]], ...]; a user without any is removed
--       3 owner  4 epoch of the writer, for the sources folder and kubernetes
-- Output  [verdict, msgpack [user of another source, refused, ...]]; verdicts: ok, foreign, deposed (lib/fence.lua)
-- uses: base types deal fence subscriptions
local source = ARGV[1]
local manifests = source == 'folder' or source == 'kubernetes'
local refusal = manifests and fenced(ARGV[3], ARGV[4])
if refusal then return { refusal, cmsgpack.pack({}) } end

local function set_user(user, digest, desired)
  local stored = {}
  local list = redis.call('HGETALL', P .. 'subscriptions:' .. user)
  for i = 1, #list, 2 do stored[list[i]] = list[i + 1] end
  for _, subscription in ipairs(desired) do
    local type_name, params, suspended = subscription[1], subscription[2], subscription[3] == 1
    set_subscription(user, type_name, stored[type_name], suspended, params)
    stored[type_name] = nil
  end
  for type_name, record in pairs(stored) do remove_subscription(user, type_name, record) end
  if #desired > 0 then
    redis.call('HSET', P .. 'users', user, source .. '|' .. digest)
  else
    redis.call('HDEL', P .. 'users', user)
  end
end

local refused = {}
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do
  if is_kept(redis.call('HGET', P .. 'users', row[1]), source) then
    refused[#refused + 1] = row[1]
  else
    set_user(row[1], row[2], row[3])
  end
end
return { 'ok', cmsgpack.pack(refused) }
