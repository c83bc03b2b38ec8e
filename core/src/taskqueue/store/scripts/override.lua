-- override: sets, replaces or removes a pause or a limit set by hand; no publish touches it.
-- KEYS  1 prefix
-- ARGV  1 name: a task type, :limit, or :limit:NAME of a limit by name  2 value, '' removes the override  3 ms until it ends, 0: never
-- Output  1 if there was an override before, else 0
-- uses: base types definitions queues changed_limits
local before
if ARGV[2] == '' then
  before = redis.call('HDEL', P .. 'overrides', ARGV[1])
else
  local ends = tonumber(ARGV[3]) ~= 0 and now + ARGV[3] or 0
  before = 1 - redis.call('HSET', P .. 'overrides', ARGV[1], ARGV[2] .. '|' .. int(ends))
end
if string.sub(ARGV[1], 1, 6) == ':limit' then note_change(string.match(ARGV[1], '^:limit:(.+)$') or GLOBAL) end
types_version()
redis.call('HINCRBY', P .. 'config', 'version', 1)
return before
