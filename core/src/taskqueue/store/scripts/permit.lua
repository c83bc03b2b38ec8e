-- permit: reserves slots of the global limit for a running job that calls the API again.
-- KEYS  1 prefix
-- ARGV  1 cost (slots)  2 lease ms
-- Output  [1, us until the first slot], or [0, us until it makes sense to ask again]
-- uses: base limiter
local cost = math.min(math.max(whole(ARGV[1]) or MAX_COST, 1), MAX_COST)
local limiter = load_limiter(tonumber(ARGV[2]))
local start_us = math.max(now_us, limiter.free_us)
local answer
if not limiter.slot_us then
  answer = { 0, 1000000 }
elseif start_us - now_us > HORIZON_US then
  answer = { 0, math.floor(start_us - now_us - HORIZON_US / 2) }
else
  reserve(limiter, start_us, cost)
  answer = { 1, math.floor(start_us - now_us) }
end
save_limiter(limiter)
flush_counts()
return answer
