-- Users. `users`: user -> SOURCE|DIGEST|LIMIT;...|ZONE. DIGEST: of what the source says, or ~US once an application
-- changed one subscription: another one after each change. LIMIT: names of limits at which the user has own values.
-- ZONE: number of the user's zone in `variants`. Parts at the end that are empty are left out.

-- Reads a user's record. Returns names of limits, as text, and the zone.
local function read_user_record(record)
  local limits, zone = string.match(record or '', '^[^|]*|[^|]*|([^|]*)|?(%d*)$')
  return limits or '', tonumber(zone) or 0
end

local function digest_of(record) return string.match(record or '', '^[^|]*|([^|]*)') or '' end

-- Returns the digest after a change of one subscription; the clock may stand still, or go back.
local function digest_after(digest)
  local before = whole(string.match(digest, '^~(%d+)$'))
  return '~' .. int(math.max(now_us, (before or 0) + 1))
end

-- Returns the zone of a user, as the number of its variant.
local function zone_of(user)
  local _, zone = read_user_record(redis.call('HGET', P .. 'users', user))
  return zone
end

local function write_user_record(user, source, digest, limits, zone)
  local record = source .. '|' .. digest
  if limits ~= '' or zone > 0 then record = record .. '|' .. limits end
  if zone > 0 then record = record .. '|' .. int(zone) end
  redis.call('HSET', P .. 'users', user, record)
end

-- Tells whether a user stays as it is. One user has one source: manifests leave the users of imports and clients alone;
-- an import takes over users of manifests; a client takes over none.
local function is_kept(record, source)
  local owner = record and string.match(record, '^[^|]*')
  if not owner or owner == source then return false end
  return source == 'client' or owner == 'client' or owner == 'import'
end
