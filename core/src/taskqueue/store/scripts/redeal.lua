-- redeal: moves some subscriptions of a type into its newest generation (or, for a removed type, into the waiting room 0).
-- KEYS  1 prefix
-- ARGV  1 type  2 target generation  3 users, msgpack [user, ...]
-- Output  number of subscriptions moved; none if the type's subscriptions are by now dealt elsewhere
-- uses: base facts deal
local kind, target = ARGV[1], tonumber(ARGV[2])
local moved = 0
if dealing(kind).generation ~= target then return 0 end  -- a caller that fell behind moves nobody
for _, user in ipairs(cmsgpack.unpack(ARGV[3])) do
  local tasks_key = P .. 'users:' .. user .. ':tasks'
  local record = redis.call('HGET', tasks_key, kind)
  if record then
    local k, generation, suspended, params = read_record(record)
    if not k then
      note('users:' .. user .. ':tasks ' .. kind)
    elseif generation ~= target then
      free(kind, k, generation)
      if target == 0 then
        write_record(tasks_key, kind, 0, 0, suspended, params)
        redis.call('ZADD', P .. 'schedule:' .. kind .. ':0', -1, user)
      else
        deal(kind, user, suspended, params, tasks_key)
      end
      moved = moved + 1
    end
  end
  if target > 0 then redis.call('ZREM', P .. 'schedule:' .. kind .. ':0', user) end
end
return moved
