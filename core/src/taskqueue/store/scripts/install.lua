-- install: gives a store what it lacks or must know before anything is emitted: a cursor, its installation, the limit.
-- KEYS  1 prefix
-- ARGV  1 cursor, rate or installed  2 the cursor in ms, or the limit in starts per second
--       3 with a cursor that was set back: from where which type goes on, JSON, or empty  4 until where that counts, ms
-- Output  1 if the store was changed; a cursor and an installation that are there stay as they are
-- uses: base
if ARGV[1] == 'rate' then
  redis.call('HSET', P .. 'config', 'rate', ARGV[2])
  return 1
end
read_cursor()  -- one that cannot be read is no cursor
local value = ARGV[1] == 'installed' and int(now) or ARGV[2]
local changed = redis.call('SETNX', P .. ARGV[1], value)
if ARGV[1] == 'installed' then
  -- refilling: until it has its cursor. The version is one that no store before had: what is known of those is not for this.
  if changed == 1 then redis.call('HSET', P .. 'config', 'refilling', '1', 'version', int(now)) end
  return changed
end
redis.call('HDEL', P .. 'config', 'refilling')
if changed == 1 and ARGV[3] ~= '' then
  redis.call('HSET', P .. 'config', 'replay', ARGV[3], 'replay_end', ARGV[4])
  types_version()
  redis.call('HINCRBY', P .. 'config', 'version', 1)  -- nobody ticks who has not read it
end
return changed
