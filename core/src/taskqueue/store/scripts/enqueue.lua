-- enqueue: adds ad hoc jobs, all or none of them; a repeated call adds no job of an id that its caller chose.
-- KEYS  1 prefix
-- ARGV  1 jobs, msgpack: [type, ...], then a list for each column: [number of the type, ...], [TYPE|USER|~ID, ...],
--         [whether the caller chose the id, ...], [delay ms, ...], [life ms (0: none), ...], [params, JSON or '', ...]
-- Output  msgpack [verdict, list]; verdicts: ok (names of the jobs), unknown (the first type that does not exist)
-- uses: base types definitions queues jobs wakeup
jobs_move = true
local REMEMBER_MS = '3600000'
local MAX_WAKEUP_TOKENS = 16
local SOON_MS = 1000  -- polls find later dues in time: they look as far ahead (AHEAD_US of lib/next_call.lua)
local types, numbers, stems, chosen, delays, lives, params = unpack(cmsgpack.unpack(ARGV[1]))

-- Keeps the name of a job under its stem. Returns the name of the job that was enqueued under it before; nil without
-- one.
local function remember(stem, name)
  local key = P .. 'enqueued:' .. stem
  if redis.call('SET', key, name, 'NX', 'PX', REMEMBER_MS) then return end
  local existing = redis.call('GET', key)
  if existing and not parse(existing).malformed then return existing end
  if existing then note('enqueued:' .. stem, 'cannot be read', true) end
  redis.call('SET', key, name, 'PX', REMEMBER_MS)
end

local lanes, rows_of, first_due = {}, {}, {}  -- by number of the type; arguments of ZADD and the first due, by lane
for i = 1, #types do
  if not find_type(types[i]) then return cmsgpack.pack({ 'unknown', { types[i] } }) end
  local lane = lane_of(types[i])
  lanes[i], rows_of[lane], first_due[lane] = lane, {}, math.huge
end
local names, added, payload = {}, 0, {}
local dues = {}  -- by delay, as text
for i = 1, #stems do
  local lane, delay = lanes[numbers[i]], delays[i]
  local due = dues[delay]
  if not due then
    due = int(now + delay)
    dues[delay] = due
  end
  local life = lives[i] == 0 and '0' or lives[i]  -- most live for ever, and text costs less than a number
  local name = stems[i] .. '|' .. due .. '|' .. life
  local existing = chosen[i] and remember(stems[i], name)
  names[i] = existing or name
  if not existing then
    local rows = rows_of[lane]
    local at = #rows
    rows[at + 1], rows[at + 2] = due, name
    if delay < first_due[lane] then first_due[lane] = delay end
    if params[i] ~= '' then
      at = #payload
      payload[at + 1], payload[at + 2] = name, params[i]
    end
    added = added + 1
  end
end
if #payload > 0 then redis.call('HSET', P .. 'payload', unpack(payload)) end
local soonest = math.huge
for lane, rows in pairs(rows_of) do
  if rows[1] then
    redis.call('ZADD', P .. 'ready:' .. lane, unpack(rows))
    announce(lane, (now + first_due[lane]) * 1000)
    soonest = math.min(soonest, first_due[lane])
  end
end
if added > 0 then count('enqueued', added) end
flush_counts()
-- Other scripts need no bound: `pass_wakeup` follows a token that was taken. So a worker's login needs no LLEN.
if soonest < SOON_MS and redis.call('LLEN', P .. 'wakeup_tokens') < MAX_WAKEUP_TOKENS then wake_worker() end
return cmsgpack.pack({ 'ok', names })
