-- look_at: finds the oldest scheduled job of each of some types in some of the keys that hold jobs, in bounded steps.
-- KEYS  1 prefix
-- ARGV  1 when the look began, ms  2 types, msgpack [type, ...]  3 keys, msgpack [name, ...]
--       4 scan cursor in the first of them  5 most members, more or less
-- Output  [keys done, scan cursor in the next, [type, oldest due ms, ...]]; [] as look
-- uses: base look
if not watch(tonumber(ARGV[1])) then return {} end
local wanted, oldest = {}, {}
for _, kind in ipairs(cmsgpack.unpack(ARGV[2])) do wanted[kind] = true end

local function see(job)
  local kind = string.match(job, '^[^|]*')
  if not wanted[kind] then return end
  local occurrence, offset = string.match(job, '^[^|]*|[^|]*|(%d+)|(%d+)|')  -- an ad hoc job has ~ID there
  if not occurrence then return end
  local due = occurrence * 1000 + offset
  if not oldest[kind] or due < oldest[kind] then oldest[kind] = due end
end

local left, done, at = tonumber(ARGV[5]), 0, ARGV[4]
for _, name in ipairs(cmsgpack.unpack(ARGV[3])) do
  local key = P .. name
  repeat
    local answer = redis.call('ZSCAN', key, at, 'COUNT', math.min(left, 500))
    at = answer[1]
    for i = 1, #answer[2], 2 do see(answer[2][i]) end
    left = left - #answer[2] / 2 - 1
  until at == '0' or left <= 0
  if at == '0' then done = done + 1 end
  if left <= 0 then break end
end
local found = {}
for kind, due in pairs(oldest) do
  found[#found + 1] = kind
  found[#found + 1] = int(due)
end
return { done, at, found }
