-- set_aside: renames a key of the wrong type, after a command outside of scripts met it.
-- KEYS  1 prefix
-- ARGV  1 key  2 the key's right type
-- Output  1 if the key was renamed, 0 if it has the right type or is gone
-- uses: base
local key = ARGV[1]
local redis_type = redis.call('TYPE', key).ok
if string.sub(key, 1, #P) ~= P or redis_type == 'none' or redis_type == ARGV[2] then return 0 end
set_aside(key)
flush_counts()
return 1
