-- Keeps `scan` alive, which makes scripts record moves (note_move in base). Returns false if moves since `began` (ms)
-- were not recorded without a gap.
local SCAN_MS = 5000
local function keep_scanning(began)
  local since = redis.call('GET', P .. 'scan')
  if since then
    redis.call('PEXPIRE', P .. 'scan', SCAN_MS)
  elseif began == 0 then
    since = now
    redis.call('SET', P .. 'scan', int(now), 'PX', SCAN_MS)
  end
  return began == 0 or (tonumber(since) or math.huge) <= began and began <= now
end
