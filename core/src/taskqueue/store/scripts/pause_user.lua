-- pause_user: pauses or resumes a user. No publish, import or edit of a schedule ends a pause, and places are kept.
-- KEYS  1 prefix
-- ARGV  1 user  2 ms until the pause ends, 0: once resumed; '' resumes the user
-- Output  1 if the user was paused before, 0 if not, -1: a user without subscriptions is not paused
-- uses: base types generations variants deal users pauses
local user, for_ms = ARGV[1], tonumber(ARGV[2])
if not for_ms then
  local _, was_paused = end_pause(user)
  return was_paused and 1 or 0
end
if redis.call('EXISTS', P .. 'subscriptions:' .. user) == 0 then return -1 end
flag_paused(user, true)
return 1 - redis.call('ZADD', P .. 'paused_users', for_ms ~= 0 and now + for_ms or END_MS, user)
