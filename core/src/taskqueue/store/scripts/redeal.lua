-- redeal: moves subscriptions of a type into its newest generation, or, for a removed type, into generation 0.
-- KEYS  1 prefix
-- ARGV  1 type  2 target generation  3 users, msgpack [user, ...]
-- Output  number of subscriptions moved; 0 if the type's newest generation is another by now
-- uses: base types generations deal
local type_name, target = ARGV[1], tonumber(ARGV[2])
local moved = 0
if generations_of(type_name).generation ~= target then return 0 end  -- the caller's catalog is out of date
for _, user in ipairs(cmsgpack.unpack(ARGV[3])) do
  local subscriptions_key = P .. 'subscriptions:' .. user
  local record = redis.call('HGET', subscriptions_key, type_name)
  if record then
    local k, generation, suspended, params = read_record(record)
    if not k then
      note('subscriptions:' .. user .. ' ' .. type_name)
    elseif generation ~= target then
      free_number(type_name, k, generation)
      if target == 0 then
        write_record(subscriptions_key, type_name, 0, 0, suspended, params)
        redis.call('ZADD', P .. 'schedule:' .. type_name .. ':0', -1, user)
      else
        deal(type_name, user, suspended, params, subscriptions_key)
      end
      moved = moved + 1
    end
  end
  if target > 0 then redis.call('ZREM', P .. 'schedule:' .. type_name .. ':0', user) end
end
return moved
