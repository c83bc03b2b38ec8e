-- scan_jobs: finds the oldest scheduled job of each given type in the given keys, a bounded number of jobs a call.
-- KEYS  1 prefix
-- ARGV  1 when the scan began, ms  2 types, msgpack [type, ...]  3 keys, msgpack [name, ...]
--       4 cursor of ZSCAN in the first key  5 jobs to read, about
-- Output  [keys done, cursor of ZSCAN in the next key, [type, oldest due ms, ...]]; [] as in scan_moves
-- uses: base scan
if not keep_scanning(tonumber(ARGV[1])) then return {} end
local wanted, oldest = {}, {}
for _, type_name in ipairs(cmsgpack.unpack(ARGV[2])) do wanted[type_name] = true end

local function see(job)
  local type_name = string.match(job, '^[^|]*')
  if not wanted[type_name] then return end
  local occurrence, offset = string.match(job, '^[^|]*|[^|]*|(%d+)|(%d+)|')  -- not an ad hoc job: ~ID
  if not occurrence or #occurrence > 12 or #offset > 12 then return end  -- no epoch time
  local due = occurrence * 1000 + offset
  if not oldest[type_name] or due < oldest[type_name] then oldest[type_name] = due end
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
for type_name, due in pairs(oldest) do
  found[#found + 1] = type_name
  found[#found + 1] = int(due)
end
return { done, at, found }
