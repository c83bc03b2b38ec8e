-- repair: removes values that cannot be read, each only if it still has the value that was seen; keeps the equation of
-- `audit`.
-- KEYS  1 prefix
-- ARGV  four for each repair (msgpack cannot carry bytes): action, key's name, field or member, value seen or to write
--       field: delete it from a hash · member: remove it from a sorted set · score: set a member's score
--       key: set it aside if it has another Redis type · type: delete its record; its subscriptions wait for it
--       subscription: delete it, and the user's digest, so that the manifests write all of the user again
--       parked: enter a limit with parked jobs into `limits_free_at` again · lane: enter a lane with jobs into
--       `lanes_due` again · note: delete a place from `malformed`
-- Output  msgpack [1 if the repair was made, else 0, ...]
-- uses: base
jobs_move = true
local repairs = {}

function repairs.field(name, field, seen)
  if redis.call('HGET', P .. name, field) ~= seen then return end
  if name == 'metrics' then unbalanced = math.huge end
  return redis.call('HDEL', P .. name, field)
end

function repairs.member(name, member)
  local removed = redis.call('ZREM', P .. name, member)
  if string.find(name, '^ready:') or string.find(name, '^parked:') or name == 'leases' or name == 'suspects' then
    unbalanced = unbalanced + removed
  end
  return removed
end

function repairs.score(name, member, score)
  redis.call('ZADD', P .. name, 'XX', score, member)
  return 1
end

function repairs.parked(name, limit)
  local added = redis.call('ZADD', P .. name, 'NX', 0, limit)
  if added == 1 then surplus = surplus + redis.call('ZCARD', P .. 'parked:' .. limit) end
  return added
end

function repairs.lane(name, lane)
  if redis.call('ZSCORE', P .. 'lanes_busy', lane) then return end
  local added = redis.call('ZADD', P .. name, 'NX', 0, lane)
  if added == 1 then surplus = surplus + redis.call('ZCARD', P .. 'ready:' .. lane) end
  return added
end

function repairs.key(name, _, right_type)
  local is = redis.call('TYPE', P .. name).ok
  if is == 'none' or is == right_type then return end
  set_aside(P .. name)
  return 1
end

function repairs.type(name, type_name, seen)
  if redis.call('HGET', P .. name, type_name) ~= seen then return end
  for generation = 1, 9 do redis.call('UNLINK', P .. 'schedule:' .. type_name .. ':' .. generation) end
  types_version()
  redis.call('HINCRBY', P .. 'config', 'version', 1)
  return redis.call('HDEL', P .. name, type_name)
end

function repairs.subscription(name, type_name, seen)
  if redis.call('HGET', P .. name, type_name) ~= seen then return end
  local user = string.match(name, '^subscriptions:(.*)$')
  for generation = WAITING_ROOM, MAX_GENERATIONS do redis.call('ZREM', P .. 'schedule:' .. type_name .. ':' .. generation, user) end
  -- An unreadable record of the user has a repair of its own.
  local source = string.match(redis.call('HGET', P .. 'users', user) or '', '^(%l+)|')
  if source then redis.call('HSET', P .. 'users', user, source .. '|') end
  return redis.call('HDEL', P .. name, type_name)
end

-- The place `jobs` is no value, but a reminder that jobs must be counted; see below.
function repairs.note(name, place) return place ~= 'jobs' and redis.call('HDEL', P .. name, place) or 0 end

local done = {}
for i = 1, #ARGV, 4 do
  local action, name, field, seen = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local did = repairs[action](name, field, seen) or 0
  done[#done + 1] = did
  if did == 1 and action ~= 'note' and action ~= 'key' then
    if redis.call('HDEL', P .. 'malformed', name .. ' ' .. field) == 0 then increment('malformed', 1) end
  end
end
if not index_lost() and redis.call('HDEL', P .. 'malformed', 'jobs') == 1 then
  unbalanced = math.huge
end
flush_counts()
return cmsgpack.pack(done)
