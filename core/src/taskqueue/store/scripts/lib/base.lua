-- Shared by every script, after the constants that taskqueue.store.script puts in front (LANES, DEFAULT_LANE, TURNS, POLICIES,
-- STRETCH, COMMANDS): the key prefix, the server's clock, values that cannot be read, counters, and what a job's name says.
-- A job is named TYPE|USER|OCCURRENCE|OFFSET|LIFE (scheduled) or TYPE|USER|~ID|DUE|LIFE (ad hoc); ms, LIFE 0 = no deadline.
-- While leased it is followed by |WORKER|FENCE; the fence ends in "x" where the live table knows the job.
local P = KEYS[1]
-- A command that is refused in the middle would leave half a call behind, and jobs would be lost with it: a right that is missing,
-- or a name that the server's configuration took away, refuses the whole call. COMMANDS is all that the script calls
-- (store/script.py puts it in front). Each is asked for with arguments that it could have: Valkey 9 crashes over ZUNIONSTORE without.
for _, command in ipairs(redis.acl_check_cmd and COMMANDS or {}) do
  local known, allowed = pcall(redis.acl_check_cmd, command, P, command == 'ZUNIONSTORE' and 1 or P, P)
  if not known or not allowed then
    local why = known and 'NOPERM this user has no permissions to run ' or 'ERR this server has no command '
    return redis.error_reply(why .. command .. ' within scripts, nothing was done')
  end
end
-- Redis Cluster, while the release's slot moves: each node holds a part of the keys. A command that names two keys of which one is
-- missing is refused on both nodes then, so nothing of the script runs on half a store (the old node sends the whole call on, as
-- its key, the prefix, is missing too; the new one refuses here). Anywhere else this is one cheap command.
local slot = redis.pcall('EXISTS', P .. 'moving:1', P .. 'moving:2')
if type(slot) == 'table' then
  return redis.error_reply('MOVING the slot of this release is moving to another node, nothing was done: ' .. slot.err)
end

-- Reads the server's clock, once a call. Tests replace this function as a script is loaded (store/script.py).
local function clock_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local now_us = clock_us()
local now = math.floor(now_us / 1000)


local function int(number) return string.format('%.0f', number) end

-- Reads a whole number that a double holds exactly enough (16 digits: microseconds until the year 2286); else nil.
local function whole(text)
  return text and #text <= 16 and string.find(text, '^%d+$') and tonumber(text) or nil
end

-- Malformed values. No script trusts what it reads: a value that cannot be read counts as one that is not there. Its place is
-- named in `malformed`, it is counted in `metrics`, and everything else goes on. An error in the middle would leave half a call
-- behind, so a key of another type is renamed out of the way, and the command repeated.
local MALFORMED_MAX = 1000              -- places named at once; `taskqueue audit --repair` clears them
local SET_ASIDE_MS = 7 * 86400000       -- a key set aside is kept so long for people to look at
local PLACE_MAX = 300                   -- bytes
local JOB_PLACES = { '^ready:', '^parked:', '^suspects$', '^leased$', '^metrics$' }
local unbalanced = 0                    -- members removed from where jobs are, which may have been jobs
local surplus = 0                       -- jobs found again, which may have been accounted for as lost
local jobs_move = false                 -- set by scripts that take jobs from place to place: accounts are settled at their end
local note, balance

local function set_aside(key)
  local name = string.sub(key, #P + 1)
  local kind = redis.call('TYPE', key).ok
  redis.call('RENAME', key, P .. 'malformed:' .. name)
  redis.call('PEXPIRE', P .. 'malformed:' .. name, SET_ASIDE_MS)
  for _, pattern in ipairs(JOB_PLACES) do
    if string.find(name, pattern) then unbalanced = math.huge end
  end
  note(name, 'is a ' .. kind .. ', set aside as malformed:' .. name, true)
end

-- In place of redis.call for all that follows. Any other error is the caller's.
local server, type = redis, type
local function guarded(command, key, ...)
  local answer = server.pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then set_aside(key) end
  return server.call(command, key, ...)  -- any other error comes again, and ends the script in the server's words
end
local redis = { call = guarded }

-- Adds to a counter; one that is no number begins again, and what it counted is taken from what is there (balance).
local function bump(name, by)
  local answer = server.pcall('HINCRBY', P .. 'metrics', name, by)
  if type(answer) ~= 'table' and answer >= by then return end  -- else it was negative, which no count is
  if type(answer) ~= 'table' then answer = { err = 'no integer that counts' } end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then return redis.call('HINCRBY', P .. 'metrics', name, by) end
  if not (string.find(answer.err, 'integer', 1, true) or string.find(answer.err, 'overflow', 1, true)) then
    return server.call('HINCRBY', P .. 'metrics', name, by)
  end
  redis.call('HSET', P .. 'metrics', name, by)
  unbalanced = math.huge
  note('metrics ' .. name)
end

-- Names a place. seen: what became of the value. gone: it was removed, so that the next one of this place is another.
function note(place, seen, gone)
  local key, new = P .. 'malformed', 1
  if redis.call('HLEN', key) < MALFORMED_MAX or redis.call('HEXISTS', key, place) == 1 then
    new = redis.call('HSET', key, string.sub(place, 1, PLACE_MAX), seen or 'cannot be read')
  end
  if gone or new == 1 then bump('malformed', 1) end
  if not jobs_move then balance() end
end

-- Unpacks a value of the store; nil if it is no msgpack. What is in it can be anything.
local function unpacked(text)
  local good, value = pcall(cmsgpack.unpack, text)
  return good and value or nil
end

-- Reads a field that holds a whole number; one that does not is noted and counts as missing.
local function number_at(name, field)
  local text = redis.call('HGET', P .. name, field)
  local number = whole(text)
  if text and not number then note(name .. ' ' .. field) end
  return number
end

-- The version of types and overrides. It only grows: one that cannot be read goes on with the clock, far above any other.
local function types_version()
  local text = redis.call('HGET', P .. 'config', 'version')
  if text and not whole(text) then
    note('config version')
    redis.call('HSET', P .. 'config', 'version', int(now))
    return int(now)
  end
  return text or '0'
end

-- The cursor (ms); one that cannot be read is set aside, and then it is lost.
local function read_cursor()
  local text = redis.call('GET', P .. 'cursor')
  local cursor = whole(text)
  if text and not (cursor and cursor < 1e14) then
    set_aside(P .. 'cursor')
    cursor = nil
  end
  return cursor
end

-- Counters, and what `taskqueue audit` checks: all that came in went out or is held.
local IN, OUT = { 'emitted', 'enqueued', 'redriven' }, { 'done', 'dead', 'expired', 'skipped', 'replaced' }
local counts = {}
local function count(name, by) counts[name] = (counts[name] or 0) + (by or 1) end

local function read_totals()
  local totals, list = { emitted = 0 }, redis.call('HGETALL', P .. 'metrics')  -- never empty: cmsgpack takes {} for a list
  for i = 1, #list, 2 do
    local number = whole(list[i + 1])
    if not number then
      note('metrics ' .. list[i])
      redis.call('HSET', P .. 'metrics', list[i], 0)
      unbalanced, number = math.huge, 0
    end
    if string.find(list[i], '^[%w_]+$') then totals[list[i]] = number end
  end
  return totals
end

local function read_held()
  local held = { ready = {}, suspects = redis.call('ZCARD', P .. 'suspects'), leased = redis.call('ZCARD', P .. 'leased') }
  held.all, held.parked = held.leased, held.suspects
  for _, lane in ipairs(LANES) do
    held.ready[lane] = redis.call('ZCARD', P .. 'ready:' .. lane)
    held.all = held.all + held.ready[lane]
  end
  for _, narrow in ipairs(redis.call('ZRANGE', P .. 'wake', 0, -1)) do
    held.parked = held.parked + redis.call('ZCARD', P .. 'parked:' .. narrow)
  end
  held.all = held.all + held.parked
  return held
end

local function difference(totals, held)
  local missing = -held.all
  for _, name in ipairs(IN) do missing = missing + (totals[name] or 0) end
  for _, name in ipairs(OUT) do missing = missing - (totals[name] or 0) end
  return missing
end

-- A malformed member that was removed may have been a job once, or never: the equation knows, as it held before. So do counters
-- and keys full of jobs that cannot be read.
local balancing = false
function balance()
  if balancing or unbalanced + surplus == 0 then return end
  balancing = true
  while unbalanced + surplus > 0 do
    local most, again = unbalanced, unbalanced == math.huge and math.huge or surplus
    unbalanced, surplus = 0, 0
    local held, totals = read_held(), read_totals()
    if unbalanced > 0 then
      unbalanced = math.huge  -- more was found: look again
    elseif redis.call('HEXISTS', P .. 'malformed', 'wake') == 1 then  -- until it is made again, parked jobs cannot be counted
      redis.call('HSET', P .. 'malformed', 'jobs', 'are accounted for once `wake` was made again')
    else
      local missing = difference(totals, held)
      if missing > 0 then bump('skipped', math.min(missing, most)) end
      if missing < 0 and again > 0 then bump('emitted', math.min(-missing, again)) end
    end
  end
  balancing = false
end

-- Reads the counters when all that was found malformed so far is accounted for.
local function read_balanced()
  local totals = read_totals()
  if unbalanced == 0 then return totals end
  balance()
  return read_totals()
end

local function flush_counts()
  for name, by in pairs(counts) do bump(name, by) end
  counts = {}
  balance()
end

-- malformed: the name is none that a script ever made. What a scheduled job's type and user are called is looked up, so only those
-- of an ad hoc job need a look at every letter.
local SCHEDULED, ADHOC = '^([^|]+)|([^|]+)|(%d+)|(%d+)|(%d+)$', '^([%w.-]+)|([%w._@+-]+)|~[%w._@+-]+|(%d+)|(%d+)$'
local function parse(job)
  local kind, user, occurrence, offset, life = string.match(job, SCHEDULED)
  local due, adhoc
  if kind then
    due = occurrence * 1000 + offset
  else
    kind, user, due, life = string.match(job, ADHOC)
    due, adhoc = tonumber(due), true
  end
  if not due or due >= 1e14 or #life > 16 then return { name = job, due = now, malformed = true } end
  return { name = job, type = kind, user = user, due = due, life = tonumber(life), adhoc = adhoc }
end

-- A look for the oldest jobs (look.lua) takes many calls, and jobs move meanwhile. `note_move` writes down the due of one that
-- goes back to where the look may have been, by type, in `moved:N` for the Nth MOVED_MS; only while somebody looks.
local MOVED_MS, MOVED_KEPT_MS = 10000, 600000
local watched
local function note_move(job)
  if job.adhoc or job.due > 1e15 then return end
  if watched == nil then watched = redis.call('EXISTS', P .. 'look') == 1 end
  if not watched then return end
  local key = P .. 'moved:' .. int(math.floor(now / MOVED_MS))
  redis.call('ZADD', key, 'LT', job.due, job.type)
  redis.call('PEXPIRE', key, MOVED_KEPT_MS)
end

-- Accounts for a member of a place of jobs that was no job, and is removed.
local function discard(place, member)
  note(place .. ' ' .. member, 'was no job, removed', true)
  unbalanced = unbalanced + 1
end
