-- Base of every script: key prefix, rights, schema, the server's clock, malformed values, counters, job names.
-- taskqueue.store.script puts constants in front: COMMANDS, and those of its function `constants`.
--
-- A job's name holds all that `claim` needs: TYPE|USER|OCCURRENCE|OFFSET|LIFE (scheduled) or TYPE|USER|~ID|DUE|LIFE (ad
-- hoc). OCCURRENCE is in s, OFFSET, DUE and LIFE are in ms; LIFE 0: no deadline. A leased job is NAME|WORKER|SEQ; the
-- seq ends in "x" if the hash `exclusive` has the job.
local P = KEYS[1]
-- A command refused halfway would leave half a call behind, and lose jobs. So a missing right, or a command that the
-- server's configuration renamed, refuses the whole call here. COMMANDS lists every command of the script. The check
-- needs plausible arguments: Valkey 9 crashes over a ZUNIONSTORE without them.
if redis.acl_check_cmd then
  local checked
  local exists, allowed = pcall(function()
    local check = redis.acl_check_cmd
    for i = 1, #COMMANDS do
      checked = COMMANDS[i]
      if not check(checked, P, checked == 'ZUNIONSTORE' and 1 or P, P) then return false end
    end
    return true
  end)
  if not allowed or not exists then
    local why = exists and 'NOPERM this user has no permissions to run ' or 'ERR this server has no command '
    return redis.error_reply(why .. checked .. ' within scripts, nothing was done')
  end
end
-- One cheap command answers two questions before anything is read or written.
-- 1. Is the release's slot moving to another node of a Redis Cluster? Each node then holds a part of the keys, and
--    refuses a command with two keys of which one is missing (`moving` always is). The old node redirects the whole call,
--    as its only declared key, the prefix, is missing too; the new node refuses here. So no script runs on half a store.
-- 2. Do the keys have the names and values of this schema? `installed` is SCHEMA|MS; schema 1 wrote the ms alone.
local SCHEMA = '3'
local found = redis.pcall('MGET', P .. 'installed', P .. 'moving')
if found.err then
  return redis.error_reply('MOVING the slot of this release is moving to another node, nothing was done: ' .. found.err)
end
local schema = found[1] and (string.match(found[1], '^(%d+)|%d+$')
  or #found[1] == 13 and string.find(found[1], '^%d+$') and '1')
if schema and schema ~= SCHEMA then
  return redis.error_reply('SCHEMA the keys of this release must be of schema ' .. SCHEMA
    .. ' (were of schema ' .. schema .. '): choose another release name, or delete these keys and publish the manifests again')
end

-- Reads the server's clock (us), once a call. The scripts have no other clock: tests replace this function's text when
-- a script is loaded (part() in store/script.py), and a virtual day would do the same with a clock that jumps from due
-- to due.
local function clock_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local now_us = clock_us()
local now = math.floor(now_us / 1000)

-- Writes a number as a whole one, for values of the store; scores are passed as numbers, which costs a third.
local function int(number) return string.format('%d', number - number % 1) end

-- Reads a whole number of at most 16 digits (microseconds until the year 2286, exact in a double); nil for anything
-- else.
local function whole(text)
  return text and #text <= 16 and string.find(text, '^%d+$') and tonumber(text) or nil
end

-- Reads a rate (starts a second); nil for 0, which starts nothing, and for text that is no rate.
local function per_second(text)
  local value = text and string.find(text, '^[%d.e+-]+$') and tonumber(text)
  return value and value >= MIN_PER_SECOND and value <= MAX_PER_SECOND and value or nil
end

-- Malformed values. A script trusts no value of the store: an unreadable value counts as missing, its place (key, then
-- field or member) goes into the hash `malformed`, the counter `malformed` grows, and the call goes on. A key of
-- another type would end the script halfway, so it is renamed and the command repeated.
local MAX_MALFORMED = 1000              -- places in `malformed`; `taskqueue audit --repair` clears them
local SET_ASIDE_MS = 7 * 86400000       -- time that a renamed key is kept for people to look at
local MAX_PLACE = 300                   -- bytes of a place's name
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

-- Reads a hash field with a whole number; an unreadable field is noted and counts as missing.
local function number_at(name, field)
  local text = redis.call('HGET', P .. name, field)
  local number = whole(text)
  if text and not number then note(name .. ' ' .. field) end
  return number
end

-- Returns when the store was set up (ms; nil: never, or unreadable) and the raw value.
local function read_installed()
  local text = redis.call('GET', P .. 'installed')
  return text and whole(string.match(text, '^%d+|(%d+)$')) or nil, text
end

-- Marks the store as set up now, in this schema. Returns whether it was not marked before.
local function write_installed()
  return redis.call('SET', P .. 'installed', SCHEMA .. '|' .. int(now), 'NX') ~= false
end

-- Returns the version of types and overrides, as text. It only grows: an unreadable version is replaced by the clock
-- (ms), which is above every version before.
local function types_version()
  local text = redis.call('HGET', P .. 'config', 'version')
  if text and not whole(text) then
    note('config version')
    redis.call('HSET', P .. 'config', 'version', int(now))
    return int(now)
  end
  return text or '0'
end

-- Returns the cursor (ms), or nil. An unreadable cursor is set aside, and lost.
local function read_cursor()
  local text = redis.call('GET', P .. 'cursor')
  local cursor = whole(text)
  if text and not (cursor and cursor < END_MS) then
    set_aside(P .. 'cursor')
    cursor = nil
  end
  return cursor
end

-- Counters of `metrics`. The equation of `taskqueue audit`: jobs IN = jobs OUT + jobs that wait or are leased.
local IN, OUT = { 'emitted', 'enqueued', 'redriven' }, { 'done', 'dead', 'expired', 'skipped', 'replaced' }
local counts = {}
local function count(name, by) counts[name] = (counts[name] or 0) + (by or 1) end

-- Reads all counters. Never empty: cmsgpack packs {} as a list.
local function read_totals()
  local totals, list = { emitted = 0 }, redis.call('HGETALL', P .. 'metrics')
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

-- Returns every lane with jobs, as QUEUE:LANE (lib/queues.lua). GLOBAL: the queue of the types without a limit of their
-- own.
local GLOBAL = 'global'
local function list_lanes_with_jobs()
  local lanes = redis.call('ZRANGE', P .. 'lanes_busy', 0, -1)
  for _, lane in ipairs(redis.call('ZRANGE', P .. 'lanes_due', 0, -1)) do lanes[#lanes + 1] = lane end
  return lanes
end

-- Counts the jobs of the store. parked: with suspects, as both wait outside the lanes.
local function count_jobs()
  local suspects, leased = redis.call('ZCARD', P .. 'suspects'), redis.call('ZCARD', P .. 'leases')
  local jobs = { ready = {}, suspects = suspects, leased = leased }
  jobs.all, jobs.parked = jobs.leased, jobs.suspects
  for _, lane in ipairs(LANES) do jobs.ready[lane] = 0 end
  for _, lane in ipairs(list_lanes_with_jobs()) do
    local ready, priority = redis.call('ZCARD', P .. 'ready:' .. lane), string.match(lane, '%l+$')
    if jobs.ready[priority] then jobs.ready[priority], jobs.all = jobs.ready[priority] + ready, jobs.all + ready end
  end
  for _, limit in ipairs(redis.call('ZRANGE', P .. 'limits_free_at', 0, -1)) do
    jobs.parked = jobs.parked + redis.call('ZCARD', P .. 'parked:' .. limit)
  end
  jobs.all = jobs.all + jobs.parked
  return jobs
end

-- Returns IN - OUT - jobs; 0 where every job is in exactly one place.
local function difference(totals, jobs)
  local missing = -jobs.all
  for _, name in ipairs(IN) do missing = missing + (totals[name] or 0) end
  for _, name in ipairs(OUT) do missing = missing - (totals[name] or 0) end
  return missing
end

-- Returns an index that was set aside and not yet rebuilt, if there is one: without it the jobs cannot be counted.
local INDEXES = { 'limits_free_at', 'lanes_busy', 'lanes_due' }
local function index_lost()
  for _, index in ipairs(INDEXES) do
    if redis.call('HEXISTS', P .. 'malformed', index) == 1 then return index end
  end
end

-- Makes the counters fit the jobs after malformed values were removed. Whether a removed member was a job is not known,
-- but the equation held before: the difference is the number of lost jobs, and counts as skipped.
local balancing = false
function balance()
  if balancing or unbalanced + surplus == 0 then return end
  balancing = true
  while unbalanced + surplus > 0 do
    local most, again = unbalanced, unbalanced == math.huge and math.huge or surplus
    unbalanced, surplus = 0, 0
    local jobs, totals = count_jobs(), read_totals()
    if unbalanced > 0 then
      unbalanced = math.huge  -- the count found more malformed values: count again
    elseif index_lost() then
      redis.call('HSET', P .. 'malformed', 'jobs', 'are accounted for once ' .. index_lost() .. ' is rebuilt')
    else
      local missing = difference(totals, jobs)
      if missing > 0 then increment('skipped', math.min(missing, most)) end
      if missing < 0 and again > 0 then increment('emitted', math.min(-missing, again)) end
    end
  end
  balancing = false
end

-- Reads the counters after malformed values found so far are accounted for.
local function read_balanced()
  local totals = read_totals()
  if unbalanced == 0 then return totals end
  balance()
  return read_totals()
end

-- Writes the counts of this call. Every script that counts ends with it.
local function flush_counts()
  for name, by in pairs(counts) do increment(name, by) end
  counts = {}
  balance()
end

-- Splits a job's name. malformed: no script made this name. Type and user of a scheduled job are looked up by name, so
-- an odd name does no harm; those of an ad hoc job are not, so ADHOC checks each letter.
local SCHEDULED = '^([^|]+)|([^|]+)|(%d+)|(%d+)|(%d+)$'
local ADHOC = '^([%w.-]+)|([%w._@+-]+)|~[%w._@+-]+|(%d+)|(%d+)$'
local function parse(job)
  local task_type, user, occurrence, offset, life = string.match(job, SCHEDULED)
  local due, adhoc
  if task_type then
    due = occurrence * 1000 + offset
  else
    task_type, user, due, life = string.match(job, ADHOC)
    due, adhoc = tonumber(due), true
  end
  if not due or due >= END_MS or #life > 16 then return { name = job, due = now, malformed = true } end
  return { name = job, type = task_type, user = user, due = due, life = life == '0' and 0 or tonumber(life), adhoc = adhoc }
end

-- A scan for the oldest jobs (scan_moves, scan_jobs) takes many calls, and jobs move meanwhile. While `scan` exists, a
-- job that returns to a place which the scan may have passed has its due recorded by type, in `scan:moved:N` for the
-- Nth MOVED_MS.
local MOVED_MS, MOVED_KEPT_MS = 10000, 600000
local is_scanning
local function note_move(job)
  if job.adhoc or job.due > 1e15 then return end
  if is_scanning == nil then is_scanning = redis.call('EXISTS', P .. 'scan') == 1 end
  if not is_scanning then return end
  local key = P .. 'scan:moved:' .. int(math.floor(now / MOVED_MS))
  redis.call('ZADD', key, 'LT', job.due, job.type)
  redis.call('PEXPIRE', key, MOVED_KEPT_MS)
end

-- Notes a removed member of JOB_PLACES that is no job, for `balance`.
local function discard(place, member)
  note(place .. ' ' .. member, 'was no job, removed', true)
  unbalanced = unbalanced + 1
end
