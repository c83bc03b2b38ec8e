-- permit: takes slots of the global limit for a job that is already running and wants to call the API again.
-- KEYS  1 prefix
-- ARGV  1 cost (slots)  2 lease ms
-- Output  [granted 1 or 0, wait us]: granted, the first slot is that long from now; refused, ask again after that long
-- uses: base limiter
local cost = math.min(math.max(whole(ARGV[1]) or COST_MAX, 1), COST_MAX)
local limiter = open_limiter(tonumber(ARGV[2]))
local start_us = math.max(now_us, limiter.tat)
local answer
if not limiter.T then
  answer = { 0, 1000000 }
elseif start_us - now_us > HORIZON_US then
  answer = { 0, math.floor(start_us - now_us - HORIZON_US / 2) }
else
  book(limiter, start_us, cost)
  answer = { 1, math.floor(start_us - now_us) }
end
close_limiter(limiter)
flush_counts()
return answer
