-- look: begins or ends a look for the oldest jobs; between the two, look_at reads where jobs are, and jobs may move.
-- KEYS  1 prefix
-- ARGV  1 when the look began, ms; 0: it begins
-- Output  [now ms, installed ms, cursor ms, [type, oldest due ms of those that moved back meanwhile, ...]], 0 where there is none;
--         [] if moves were not noted for a while: the look is worth nothing
-- uses: base look
local began = tonumber(ARGV[1])
if not watch(began) then return {} end
local moved = {}
if began > 0 then
  for slice = math.floor(began / MOVED_MS), math.floor(now / MOVED_MS) do
    local rows = redis.call('ZRANGE', P .. 'moved:' .. int(slice), 0, -1, 'WITHSCORES')
    for i = 1, #rows, 2 do
      if whole(rows[i + 1]) then
        moved[#moved + 1] = rows[i]
        moved[#moved + 1] = rows[i + 1]
      end
    end
  end
end
return { now, whole(redis.call('GET', P .. 'installed')) or 0, read_cursor() or 0, moved }
