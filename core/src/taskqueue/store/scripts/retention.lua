-- retention: reads whether the server may evict keys, its allocator, and missing keys of the release. Writes nothing.
-- KEYS  1 prefix
-- ARGV  1 number of users whose keys are checked, chosen at random
-- Output  [maxmemory-policy or '', keys evicted since the server started, version, number of types,
--         [missing key's name, ...], mem_allocator or '']
-- uses: base
local info = redis.call('INFO', 'memory') .. redis.call('INFO', 'stats')
local missing = {}
local function must_exist(name)
  if redis.call('EXISTS', P .. name) == 0 then missing[#missing + 1] = name end
end

local types = redis.call('HLEN', P .. 'types')
if types > 0 or redis.call('EXISTS', P .. 'installed') == 1 then  -- written in one call, never removed
  must_exist('installed')
  must_exist('config')
  if not redis.call('HGET', P .. 'config', 'refilling') then must_exist('cursor') end
end
for _, user in ipairs(redis.call('HRANDFIELD', P .. 'users', ARGV[1])) do must_exist('subscriptions:' .. user) end
return { string.match(info, 'maxmemory_policy:([%w-]+)') or '', tonumber(string.match(info, 'evicted_keys:(%d+)') or 0),
  tonumber(types_version()), types, missing, string.match(info, 'mem_allocator:([%w._-]+)') or '' }
