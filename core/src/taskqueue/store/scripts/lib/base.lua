-- Shared by every script: the key prefix, the server's clock, counters, and what a job's name says.
-- A job is named TYPE|USER|OCCURRENCE|OFFSET|LIFE (scheduled) or TYPE|USER|~ID|DUE|LIFE (ad hoc); ms, LIFE 0 = no deadline.
-- While leased it is followed by |WORKER|FENCE; the fence ends in "x" where the live table knows the job.
local P = KEYS[1]
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
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
