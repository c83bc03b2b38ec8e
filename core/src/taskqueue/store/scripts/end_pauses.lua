-- end_pauses: resumes users whose pause is over, and forgets the pauses of users who were removed long ago.
-- KEYS  1 prefix
-- ARGV  1 most users and subscriptions to change; the subscriptions of one user are changed together
-- Output  1 if there may be more to do, else 0
-- uses: base types generations variants deal users pauses
local left = tonumber(ARGV[1])
local function end_between(low, high)
  while left > 0 do
    local user = redis.call('ZRANGEBYSCORE', P .. 'paused_users', low, high, 'LIMIT', 0, 1)[1]
    if not user then return end
    left = left - 1 - end_pause(user)
  end
end
end_between('-inf', now)
end_between('(' .. int(END_MS), END_MS + now - KEPT_MS)
return left > 0 and 0 or 1
