-- set_users: replaces all subscriptions of each given user; deals numbers to new subscriptions and frees those of
-- removed ones. The caller bounds the number of subscriptions.
-- KEYS  1 prefix
-- ARGV  1 source (folder, kubernetes, import, client)
--       2 users, msgpack [[user, digest, [[type, params JSON, suspended 0 or 1], ...], [[limit, values], ...]], ...]; a
--         user without any subscription is removed
--       3 owner  4 epoch of the writer, for the sources folder and kubernetes
-- Output  [verdict, msgpack [user of another source, refused, ...]]; verdicts: ok, foreign, deposed (lib/fence.lua)
-- uses: base types definitions queues changed_limits deal fence subscriptions
local source = ARGV[1]
local manifests = source == 'folder' or source == 'kubernetes'
local refusal = manifests and fenced(ARGV[3], ARGV[4])
if refusal then return { refusal, cmsgpack.pack({}) } end

-- Replaces a user's own values at limits. Returns the names of these limits, for the record in `users`.
local function set_values(user, values)
  local before = string.match(redis.call('HGET', P .. 'users', user) or '', '^[^|]*|[^|]*|(.*)$') or ''
  local names, kept = {}, {}
  for _, row in ipairs(values) do
    redis.call('HSET', P .. 'limits:' .. row[1], user, row[2])
    names[#names + 1], kept[row[1]] = row[1], true
    look_at_parked(row[1] .. '|' .. user)
  end
  for name in string.gmatch(before, '[^;]+') do
    if not kept[name] then
      redis.call('HDEL', P .. 'limits:' .. name, user)
      look_at_parked(name .. '|' .. user)
    end
  end
  return #names > 0 and '|' .. table.concat(names, ';') or ''
end

local function set_user(user, digest, desired, values)
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
    redis.call('HSET', P .. 'users', user, source .. '|' .. digest .. set_values(user, values))
  else
    set_values(user, {})
    redis.call('HDEL', P .. 'users', user)
  end
end

local refused = {}
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do
  if is_kept(redis.call('HGET', P .. 'users', row[1]), source) then
    refused[#refused + 1] = row[1]
  else
    set_user(row[1], row[2], row[3], row[4])
  end
end
return { 'ok', cmsgpack.pack(refused) }
