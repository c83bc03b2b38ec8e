-- subscribe: writes or removes one subscription for an application; the user's other subscriptions keep their places.
-- KEYS  1 prefix
-- ARGV  1 user  2 type  3 params, JSON, or ''  4 suspended 0 or 1; '' removes the subscription
--       5 most subscriptions of a user  6 interval s, '' for the type's own  7 zone of the user, '' for UTC, '-' to keep it
-- Output  [verdict, source of the user]; verdicts: ok, owned (the user has another source), unknown (no such type),
--         full (the user has that many already), interval (the type does not offer it: in place of the source the
--         intervals that it offers, in s and separated by spaces; none with cron)
-- uses: base types generations variants definitions queues changed_limits deal interval_changes suspensions trials users own_values subscriptions pauses
local user, type_name = ARGV[1], ARGV[2]

-- Returns the intervals that the type offers, as text, if the chosen one is none of them.
local function other_intervals()
  local target = generations_of(type_name)
  local classes = target.classes[int(target.generation)]
  if not (classes and classes[1]) then return end  -- the type is being removed, or cannot be read
  local offered = {}
  for i = 1, #classes do
    if classes[i].interval == tonumber(ARGV[6]) then return end
    offered[i] = classes[i].interval and int(classes[i].interval)
  end
  return table.concat(offered, ' ')
end

local subscriptions_key = P .. 'subscriptions:' .. user
local stored = redis.call('HGET', P .. 'users', user)
if is_kept(stored, 'client') then return { 'owned', string.match(stored, '^[^|]*') } end
local limits, zone_before = read_user_record(stored)
local digest = digest_of(stored)
local record = redis.call('HGET', subscriptions_key, type_name)
if ARGV[4] == '' then
  if record then remove_subscription(user, type_name, record) end
  if redis.call('EXISTS', subscriptions_key) == 0 then
    set_own_values(user, {}, limits)
    redis.call('HDEL', P .. 'users', user)
    keep_pause(user)
  elseif record then
    write_user_record(user, 'client', digest_after(digest), limits, zone_before)
  end
  return { 'ok', 'client' }
end
if not find_type(type_name) then return { 'unknown', '' } end
local offered = ARGV[6] ~= '' and other_intervals()
if offered then return { 'interval', offered } end
if not record and redis.call('HLEN', subscriptions_key) >= tonumber(ARGV[5]) then return { 'full', '' } end
local zone = ARGV[7] == '-' and zone_before or variant_number(ARGV[7])
local wanted = { suspended = ARGV[4] == '1', paused = is_paused(user), interval = ARGV[6], params = ARGV[3] }
set_subscription(user, type_name, record or nil, wanted, zone, zone ~= zone_before)
if zone ~= zone_before then
  local list = redis.call('HGETALL', subscriptions_key)
  for i = 1, #list, 2 do
    local other = list[i] ~= type_name and read_record(list[i + 1])
    if other then update_scores(list[i], user, other, zone) end
  end
end
if not stored or zone ~= zone_before or redis.call('HGET', subscriptions_key, type_name) ~= record then
  write_user_record(user, 'client', digest_after(digest), limits, zone)
end
return { 'ok', 'client' }
