-- redeal: moves subscriptions of a type into its newest generation, or, for a removed type, into generation 0.
-- KEYS  1 prefix
-- ARGV  1 type  2 target generation  3 users, msgpack [user, ...]
-- Output  number of subscriptions moved; 0 if the type's newest generation is another by now
-- uses: base types generations variants deal users
local type_name, target = ARGV[1], tonumber(ARGV[2])
local moved = 0
if generations_of(type_name).generation ~= target then return 0 end  -- the caller's catalog is out of date
for _, user in ipairs(cmsgpack.unpack(ARGV[3])) do
  local record = redis.call('HGET', P .. 'subscriptions:' .. user, type_name)
  if record then
    record = read_record(record)
    if not record then
      note('subscriptions:' .. user .. ' ' .. type_name)
    elseif record.generation ~= target then
      deal(type_name, user, record, zone_of(user), present_class(type_name, user, record))
      moved = moved + 1
    end
  end
  if target > 0 then redis.call('ZREM', P .. 'schedule:' .. type_name .. ':0', user) end
end
return moved
