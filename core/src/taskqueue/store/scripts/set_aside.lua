-- set_aside: renames a key of another type than it must have out of the way, for whoever reads it with a single command.
-- KEYS  1 prefix
-- ARGV  1 key  2 type it must have
-- Output  1 if it was set aside
-- uses: base
local key = ARGV[1]
local kind = redis.call('TYPE', key).ok
if string.sub(key, 1, #P) ~= P or kind == 'none' or kind == ARGV[2] then return 0 end
set_aside(key)
flush_counts()
return 1
