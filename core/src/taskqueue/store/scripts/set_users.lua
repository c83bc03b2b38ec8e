-- set_users: replaces all subscriptions of each given user; deals numbers to new subscriptions and frees those of
-- removed ones. The caller bounds the number of subscriptions.
-- KEYS  1 prefix
-- ARGV  1 source (folder, kubernetes, import, client)
--       2 users, msgpack [[user, digest, [[type, params JSON, suspended 0 or 1, interval s or ''], ...],
--         [[limit, values], ...], zone or '' for UTC, state], ...]; a user without any subscription is removed
--         state: of the user before, else nothing is done: '' any, '*' stored, '-' not stored, '=DIGEST' with this digest
--       3 owner  4 epoch of the writer, for the sources folder and kubernetes
-- Output  [verdict, msgpack [user of another source, refused, ...], msgpack [user in another state, ...]]; verdicts: ok,
--         foreign, deposed (lib/fence.lua)
-- uses: base types generations variants definitions queues changed_limits deal fence interval_changes suspensions trials users own_values subscriptions pauses
local source = ARGV[1]
local manifests = source == 'folder' or source == 'kubernetes'
local refusal = manifests and fenced(ARGV[3], ARGV[4])
if refusal then return { refusal, cmsgpack.pack({}), cmsgpack.pack({}) } end

-- Tells whether a user is in the state that its writer names.
local function is_in_state(record, state)
  if state == '' then return true end
  if not record then return state == '-' end
  return state == '*' or state == '=' .. digest_of(record)
end

local function set_user(user, digest, desired, values, zone_name)
  local stored = {}
  local limits, zone_before = read_user_record(redis.call('HGET', P .. 'users', user))
  local zone = #desired > 0 and variant_number(zone_name) or 0
  local paused = #desired > 0 and is_paused(user)
  local list = redis.call('HGETALL', P .. 'subscriptions:' .. user)
  for i = 1, #list, 2 do stored[list[i]] = list[i + 1] end
  for _, subscription in ipairs(desired) do
    local type_name, params, suspended, interval = unpack(subscription)
    local wanted = { suspended = suspended == 1, paused = paused, interval = interval, params = params }
    set_subscription(user, type_name, stored[type_name], wanted, zone, zone ~= zone_before)
    stored[type_name] = nil
  end
  for type_name, record in pairs(stored) do remove_subscription(user, type_name, record) end
  if #desired > 0 then
    write_user_record(user, source, digest, set_own_values(user, values, limits), zone)
  else
    set_own_values(user, {}, limits)
    redis.call('HDEL', P .. 'users', user)
    keep_pause(user)
  end
end

local refused, differing = {}, {}
for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do
  local record = redis.call('HGET', P .. 'users', row[1])
  if is_kept(record, source) then
    refused[#refused + 1] = row[1]
  elseif not is_in_state(record, row[6]) then
    differing[#differing + 1] = row[1]
  else
    set_user(unpack(row, 1, 5))
  end
end
return { 'ok', cmsgpack.pack(refused), cmsgpack.pack(differing) }
