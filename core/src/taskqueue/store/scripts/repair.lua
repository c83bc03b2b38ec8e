-- repair: removes values that cannot be read, each only if it is still what was seen; keeps the equation of `audit`.
-- KEYS  1 prefix
-- ARGV  four for each repair, as msgpack has no place for bytes: verb, key's name, field or member, value seen; verbs:
--       wake (of a limit with parked jobs that nobody would look at) · field (of a hash) · member (of a sorted set) · score (set to the value given) · key (of another type than the value given,
--       set aside) · type (a record; whoever subscribes waits for the type to come back)
--       · task (of a user, in the hash `users:USER:tasks`; the user's digest goes, so that manifests write all again)
--       · note (of a place in `malformed`: it is known)
-- Output  msgpack [1 if it was done, else 0, ...]
-- uses: base
jobs_move = true
local verbs = {}

function verbs.field(name, field, seen)
  if redis.call('HGET', P .. name, field) ~= seen then return end
  if name == 'metrics' then unbalanced = math.huge end
  return redis.call('HDEL', P .. name, field)
end

function verbs.member(name, member)
  local removed = redis.call('ZREM', P .. name, member)
  if string.find(name, '^ready:') or string.find(name, '^parked:') or name == 'leased' or name == 'suspects' then
    unbalanced = unbalanced + removed
  end
  return removed
end

function verbs.score(name, member, score)
  redis.call('ZADD', P .. name, 'XX', score, member)
  return 1
end

function verbs.wake(name, limit)
  local added = redis.call('ZADD', P .. name, 'NX', 0, limit)
  if added == 1 then surplus = surplus + redis.call('ZCARD', P .. 'parked:' .. limit) end
  return added
end

function verbs.key(name, _, kind)
  local is = redis.call('TYPE', P .. name).ok
  if is == 'none' or is == kind then return end
  set_aside(P .. name)
  return 1
end

function verbs.type(name, kind, seen)
  if redis.call('HGET', P .. name, kind) ~= seen then return end
  for generation = 1, 9 do redis.call('UNLINK', P .. 'schedule:' .. kind .. ':' .. generation) end
  types_version()
  redis.call('HINCRBY', P .. 'config', 'version', 1)
  return redis.call('HDEL', P .. name, kind)
end

function verbs.task(name, kind, seen)
  if redis.call('HGET', P .. name, kind) ~= seen then return end
  local user = string.match(name, '^users:(.*):tasks$')
  for generation = 0, 9 do redis.call('ZREM', P .. 'schedule:' .. kind .. ':' .. generation, user) end
  local source = string.match(redis.call('HGET', P .. 'users', user) or '', '^(%l+)|')
  if source then redis.call('HSET', P .. 'users', user, source .. '|') end
  return redis.call('HDEL', P .. name, kind)
end

-- `jobs` is no value: it says that jobs are to be accounted for, below.
function verbs.note(name, place) return place ~= 'jobs' and redis.call('HDEL', P .. name, place) or 0 end

local done = {}
for i = 1, #ARGV, 4 do
  local verb, name, field, seen = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local did = verbs[verb](name, field, seen) or 0
  done[#done + 1] = did
  if did == 1 and verb ~= 'note' and verb ~= 'key' then
    if redis.call('HDEL', P .. 'malformed', name .. ' ' .. field) == 0 then bump('malformed', 1) end
  end
end
if redis.call('HEXISTS', P .. 'malformed', 'wake') == 0 and redis.call('HDEL', P .. 'malformed', 'jobs') == 1 then
  unbalanced = math.huge
end
flush_counts()
return cmsgpack.pack(done)
