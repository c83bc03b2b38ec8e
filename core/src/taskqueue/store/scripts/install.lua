-- install: gives a store what it lacks or must know before anything is emitted: a cursor, its installation, the limit.
-- KEYS  1 prefix
-- ARGV  1 cursor, rate or installed  2 the cursor in ms, or the limit in starts per second
-- Output  1 if the store was changed; a cursor and an installation that are there stay as they are
-- uses: base
if ARGV[1] == 'rate' then
  redis.call('HSET', P .. 'config', 'rate', ARGV[2])
  return 1
end
local value = ARGV[1] == 'installed' and int(now) or ARGV[2]
return redis.call('SETNX', P .. ARGV[1], value)
