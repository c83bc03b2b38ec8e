-- redrive: puts dead letters back into their lanes with a clean record and no deadline, or purges them.
-- KEYS  1 prefix
-- ARGV  1 retry or purge  2 jobs, msgpack [job, ...]
-- Output  number of jobs moved or removed
-- uses: base facts settle
local moved = 0
for _, name in ipairs(cmsgpack.unpack(ARGV[2])) do
  if redis.call('ZREM', P .. 'dead', name) == 1 then
    local body = redis.call('HGET', P .. 'dead:body', name)
    redis.call('HDEL', P .. 'dead:body', name)
    moved = moved + 1
    if ARGV[1] == 'retry' then
      local again = string.match(name, '^(.*)|[^|]*$') .. '|0'
      local job = parse(again)
      if job.adhoc then redis.call('HSET', P .. 'payload', again, cmsgpack.unpack(body).payload or '') end
      make_ready(job, now)
      count('redriven')
    end
  end
end
flush_counts()
return moved
