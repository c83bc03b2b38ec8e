-- Keeps `look` alive, which makes scripts note moves: since when (ms) that has been so without a gap.
local LOOK_MS = 5000
local function watch(began)
  local since = redis.call('GET', P .. 'look')
  if since then
    redis.call('PEXPIRE', P .. 'look', LOOK_MS)
  elseif began == 0 then
    since = now
    redis.call('SET', P .. 'look', int(now), 'PX', LOOK_MS)
  end
  return began == 0 or (tonumber(since) or math.huge) <= began and began <= now
end
