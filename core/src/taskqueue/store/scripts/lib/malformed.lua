-- Malformed values. A script trusts no value of the store: an unreadable value counts as missing, its place (key, then
-- field or member) goes into the hash `malformed`, the counter `malformed` grows, and the call goes on. A key of
-- another type would end the script halfway, so it is renamed and the command repeated.
local MAX_MALFORMED = 1000              -- places in `malformed`; `taskqueue audit --repair` clears them
local SET_ASIDE_MS = 7 * 86400000       -- time that a renamed key is kept for people to look at
local MAX_PLACE = 500                   -- bytes of a place's name
local JOB_PLACES = { '^ready:', '^parked:', '^suspects$', '^leases$', '^metrics$' }
local unbalanced = 0                    -- members removed from JOB_PLACES that may have been jobs
local surplus = 0                       -- jobs found again that may have been counted as skipped
local jobs_move = false                 -- true in scripts that move jobs: they balance at their end, not amid a move
local note, balance

-- Renames a key of the wrong type to `malformed:NAME`, with a TTL.
local function set_aside(key)
  local name = string.sub(key, #P + 1)
  local redis_type = redis.call('TYPE', key).ok
  redis.call('RENAME', key, P .. 'malformed:' .. name)
  redis.call('PEXPIRE', P .. 'malformed:' .. name, SET_ASIDE_MS)
  for _, pattern in ipairs(JOB_PLACES) do
    if string.find(name, pattern) then unbalanced = math.huge end
  end
  note(name, 'is a ' .. redis_type .. ', set aside as malformed:' .. name, true)
end

-- Replaces redis.call from here on: sets a key of the wrong type aside and repeats the command.
local server, try, type = redis, redis.pcall, type
local function guarded(command, key, ...)
  local answer = try(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then set_aside(key) end
  return server.call(command, key, ...)  -- any other error is raised again, in the server's words
end
local redis = { call = guarded }

-- Adds to a counter. An unreadable counter begins again at `by`; `balance` then makes the counters fit the jobs.
local function increment(name, by)
  local answer = server.pcall('HINCRBY', P .. 'metrics', name, by)
  if type(answer) ~= 'table' and answer >= by then return end  -- a lower answer: the counter was negative
  if type(answer) ~= 'table' then answer = { err = 'no integer that counts' } end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then return redis.call('HINCRBY', P .. 'metrics', name, by) end
  if not (string.find(answer.err, 'integer', 1, true) or string.find(answer.err, 'overflow', 1, true)) then
    return server.call('HINCRBY', P .. 'metrics', name, by)
  end
  redis.call('HSET', P .. 'metrics', name, by)
  unbalanced = math.huge
  note('metrics ' .. name)
end

-- Records a malformed value. fate: what became of it. removed: the value is gone, so another one at this place counts
-- again.
function note(place, fate, removed)
  local key, new = P .. 'malformed', 1
  if redis.call('HLEN', key) < MAX_MALFORMED or redis.call('HEXISTS', key, place) == 1 then
    new = redis.call('HSET', key, string.sub(place, 1, MAX_PLACE), fate or 'cannot be read')
  end
  if removed or new == 1 then increment('malformed', 1) end
  if not jobs_move then balance() end
end

-- Unpacks msgpack; nil if the text is not msgpack. The value can be of any type.
local function unpacked(text)
  local good, value = pcall(cmsgpack.unpack, text)
  return good and value or nil
end

-- Notes a removed member of JOB_PLACES that is no job, for `balance`.
local function discard(place, member)
  note(place .. ' ' .. member, 'was no job, removed', true)
  unbalanced = unbalanced + 1
end
