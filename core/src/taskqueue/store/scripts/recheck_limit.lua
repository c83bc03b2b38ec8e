-- recheck_limit: has jobs that are parked at a User limit looked at as soon as its values in force allow any of them.
-- Their next looks were planned by the values before: with a new rate, no job waits for longer than its starts can take.
-- KEYS  1 prefix
-- ARGV  1 limit  2 cursor of the scan: 0 at first
-- Output  cursor for the next call; 0 at the end
-- uses: base definitions
local BATCH = 1000  -- parked limits looked at in a call, about
local definition = find_definition(ARGV[1])
if not definition or definition.key ~= 'U' then return 0 end
local values = find_values(definition)
local max_cost = math.min(number_at('limiter', 'max_cost') or 1, MAX_COST)
local last_us = now_us + HORIZON_US + math.max(values.burst, max_cost) * OWN_STRETCH * 1000000 / values.per_second
local cursor, rows = unpack(redis.call('ZSCAN', P .. 'limits_free_at', ARGV[2], 'COUNT', BATCH))
for i = 1, #rows, 2 do
  local closed = string.match(rows[i], '^[^|]*|(.*)$')
  local name = closed and string.match(closed, '^([^|]*)|')
  if name == ARGV[1] and (tonumber(rows[i + 1]) or 0) > last_us and not redis.call('ZSCORE', P .. 'limits_closed_until', closed) then
    redis.call('ZADD', P .. 'limits_free_at', 'XX', int(last_us), rows[i])
  end
end
return tonumber(cursor)
