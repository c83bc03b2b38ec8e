-- Names of jobs. A name holds all that `claim` needs: TYPE|USER|OCCURRENCE|OFFSET|LIFE (scheduled) or
-- TYPE|USER|~ID|DUE|LIFE (ad hoc). OCCURRENCE is in s, OFFSET, DUE and LIFE are in ms; LIFE 0: no deadline. A leased job
-- is NAME|WORKER|SEQ; the seq goes on with "x" if the hash `exclusive` has the job, and with "t" if it is on trial. USER
-- is percent-encoded, as in every key and member (user_key.py), and no script decodes it.

-- Splits a job's name. malformed: no script made this name. Type and user of a scheduled job are looked up by name, so
-- an odd name does no harm; those of an ad hoc job are not, so ADHOC checks each letter.
local SCHEDULED = '^([^|]+)|([^|]+)|(%d+)|(%d+)|(%d+)$'
local ADHOC = '^([%w.-]+)|([%w._~@+%%-]+)|~[%w._@+-]+|(%d+)|(%d+)$'
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
  life = life == '0' and 0 or tonumber(life)
  return { name = job, type = task_type, user = user, due = due, life = life, adhoc = adhoc }
end

-- Splits a leased job: the job's name, and whether `exclusive` has it.
local function split_leased(leased_job)
  local job, seq = string.match(leased_job, '^(.*)|[^|]*|([^|]*)$')
  return job or '', job ~= nil and string.find(seq, 'x', 1, true) ~= nil
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
