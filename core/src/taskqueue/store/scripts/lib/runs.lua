-- Records of runs. `service_times`: type -> MEAN_US|RUNS|FAILED. RUNS: jobs that ran so far; FAILED: those that were not
-- done, left out while it is 0.
-- `runs:USER`: type -> last outcome and its time, s; that of a dead letter goes on with the failures in a row where the
-- type has a circuit breaker (lib/breaker.lua).
local SERVICE = '^(%d+)|(%d+)|?(%d*)$'
local now_s  -- the clock in s, as text, once a job ended

-- Keeps a subscription's last outcome, for people, while there is the subscription: its removal removes the outcome.
local function remember_run(type_name, user, outcome, streak)
  now_s = now_s or int(now / 1000)
  local text = outcome .. now_s
  if streak then text = text .. streak end
  if redis.call('HSET', P .. 'runs:' .. user, type_name, text) == 0 then return end  -- it has one already
  if redis.call('HEXISTS', P .. 'subscriptions:' .. user, type_name) == 1 then return end
  redis.call('HDEL', P .. 'runs:' .. user, type_name)
end
