-- Shared by every script: the key prefix, the server's clock, counters, and what a job's name says.
-- A job is named TYPE|USER|OCCURRENCE|OFFSET|LIFE (scheduled) or TYPE|USER|~ID|DUE|LIFE (ad hoc); ms, LIFE 0 = no deadline.
-- While leased it is followed by |WORKER|FENCE; the fence ends in "x" where the live table knows the job.
local P = KEYS[1]
-- Redis Cluster, while the release's slot moves: each node holds a part of the keys. A command that names two keys of which one is
-- missing is refused on both nodes then, so nothing of the script runs on half a store (the old node sends the whole call on, as
-- its key, the prefix, is missing too; the new one refuses here). Anywhere else this is one cheap command.
local whole = redis.pcall('EXISTS', P .. 'moving:1', P .. 'moving:2')
if type(whole) == 'table' then
  return redis.error_reply('MOVING the slot of this release is moving to another node, nothing was done: ' .. whole.err)
end

-- Reads the server's clock, once a call. Tests replace this function as a script is loaded (store/script.py).
local function clock_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local now_us = clock_us()
local now = math.floor(now_us / 1000)

local function int(number) return string.format('%.0f', number) end

local counts = {}
local function count(name, by) counts[name] = (counts[name] or 0) + (by or 1) end
local function flush_counts()
  for name, by in pairs(counts) do redis.call('HINCRBY', P .. 'metrics', name, by) end
end

local function parse(job)
  local kind, user, occurrence, offset, life = string.match(job, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)')
  local adhoc = string.byte(occurrence) == 126
  local due = adhoc and tonumber(offset) or occurrence * 1000 + offset
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
