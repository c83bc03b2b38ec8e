-- enqueue: adds ad hoc jobs, all or none of them; a repeated call adds no job of an id that its caller chose.
-- KEYS  1 prefix
-- ARGV  1 jobs, msgpack, a list for each column: [type, ...], [user, ...], [id, ...], [whether the caller chose the id,
--         ...], [delay ms, ...], [life ms (0: none), ...], [params, JSON or '', ...]
-- Output  msgpack [verdict, list]; verdicts: ok (names of the jobs), unknown (the first type that does not exist)
-- uses: base types definitions queues jobs wakeup
jobs_move = true
local REMEMBER_MS = '3600000'
local MAX_WAKEUP_TOKENS = 16
local SOON_MS = 1000  -- polls find later dues in time: they look as far ahead (AHEAD_US of lib/next_call.lua)
local types, users, ids, chosen, delays, lives, params = unpack(cmsgpack.unpack(ARGV[1]))

-- Keeps the name of a job under its id. Returns the name of the job that was enqueued under it before; nil without one.
local function remember(id, name)
  local key = P .. 'enqueued:' .. id
  if redis.call('SET', key, name, 'NX', 'PX', REMEMBER_MS) then return end
  local existing = redis.call('GET', key)
  if existing and not parse(existing).malformed then return existing end
  if existing then note('enqueued:' .. id, 'cannot be read', true) end
  redis.call('SET', key, name, 'PX', REMEMBER_MS)
end

for i = 1, #types do
  if not find_type(types[i]) then return cmsgpack.pack({ 'unknown', { types[i] } }) end
end
local names, added, payload = {}, 0, {}
local lanes, first_due, soonest = {}, {}, math.huge  -- by type: arguments of ZADD, and the first due
local dues = {}                                      -- by delay, as text
for i = 1, #types do
  local type_name, user, id, delay = types[i], users[i], ids[i], delays[i]
  local due = dues[delay] or int(now + delay)
  dues[delay] = due
  local life = lives[i] == 0 and '0' or lives[i]  -- most live for ever, and text costs less than a number
  local name = type_name .. '|' .. user .. '|~' .. id .. '|' .. due .. '|' .. life
  local existing = chosen[i] and remember(type_name .. ':' .. user .. ':' .. id, name)
  names[i] = existing or name
  if not existing then
    local rows = lanes[type_name]
    if not rows then
      rows, first_due[type_name] = {}, math.huge
      lanes[type_name] = rows
    end
    rows[#rows + 1] = due
    rows[#rows + 1] = name
    if delay < first_due[type_name] then first_due[type_name] = delay end
    if params[i] ~= '' then
      payload[#payload + 1] = name
      payload[#payload + 1] = params[i]
    end
    added = added + 1
  end
end
if #payload > 0 then redis.call('HSET', P .. 'payload', unpack(payload)) end
for type_name, rows in pairs(lanes) do
  local lane = lane_of(type_name)
  redis.call('ZADD', P .. 'ready:' .. lane, unpack(rows))
  announce(lane, (now + first_due[type_name]) * 1000)
  soonest = math.min(soonest, first_due[type_name])
end
if added > 0 then count('enqueued', added) end
flush_counts()
-- Other scripts need no bound: `pass_wakeup` follows a token that was taken. So a worker's login needs no LLEN.
if soonest < SOON_MS and redis.call('LLEN', P .. 'wakeup_tokens') < MAX_WAKEUP_TOKENS then wake_worker() end
return cmsgpack.pack({ 'ok', names })
