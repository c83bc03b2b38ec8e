-- scan_moves: begins or ends a scan for the oldest jobs. In between scan_jobs reads the jobs, and jobs may move.
-- KEYS  1 prefix
-- ARGV  1 when the scan began, ms; 0: it begins
-- Output  [now ms, installed ms, cursor ms, [type, oldest due ms of jobs that moved back during the scan, ...], [queue,
--         ...]]; 0 for a missing value; [] if moves were not recorded for a while: the scan is void
-- uses: base installed scan
local began = tonumber(ARGV[1])
if not keep_scanning(began) then return {} end
local moved = {}
if began > 0 then
  for slice = math.floor(began / MOVED_MS), math.floor(now / MOVED_MS) do
    local rows = redis.call('ZRANGE', P .. 'scan:moved:' .. int(slice), 0, -1, 'WITHSCORES')
    for i = 1, #rows, 2 do
      if whole(rows[i + 1]) then
        moved[#moved + 1] = rows[i]
        moved[#moved + 1] = rows[i + 1]
      end
    end
  end
end
return { now, read_installed() or 0, read_cursor() or 0, moved, list_lanes_with_jobs() }
