-- install: writes the limit, or a cursor or an installation mark if the store has none.
-- KEYS  1 prefix
-- ARGV  1 cursor, rate or installed  2 the cursor, ms, or the limit, starts per second
--       3 with a cursor that was set back: JSON with the instant from which each type is emitted again, or empty
--       4 the instant (ms) at which that ends
-- Output  1 if the store was changed; an existing cursor or installation mark is never changed
-- uses: base types definitions queues changed_limits
if ARGV[1] == 'rate' then
  local stored = redis.call('HGET', P .. 'config', 'rate')
  if stored and stored ~= ARGV[2] then note_change(GLOBAL) end
  redis.call('HSET', P .. 'config', 'rate', ARGV[2])
  look_again()
  return 1
end
read_cursor()  -- sets an unreadable cursor aside
if ARGV[1] == 'installed' then
  local changed = write_installed() and 1 or 0
  -- refilling: until the store has its cursor. The version differs from that of any store before, so no process takes
  -- its catalog of another store for this one's.
  if changed == 1 then
    redis.call('HSET', P .. 'config', 'refilling', '1', 'version', int(now))
    redis.call('HSET', P .. 'limiter', 'first_seen_us', int(now_us))  -- starts may have been lost
  end
  return changed
end
local changed = redis.call('SETNX', P .. 'cursor', ARGV[2])
redis.call('HDEL', P .. 'config', 'refilling')
if changed == 1 and ARGV[3] ~= '' then
  redis.call('HSET', P .. 'config', 'replay', ARGV[3], 'replay_end', ARGV[4])
  types_version()
  redis.call('HINCRBY', P .. 'config', 'version', 1)  -- a tick needs it, so every scheduler reads the replay first
end
return changed
