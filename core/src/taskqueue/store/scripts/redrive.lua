-- redrive: puts dead letters back into their lanes with a clean record and no deadline, or purges them.
-- KEYS  1 prefix
-- ARGV  1 retry or purge  2 jobs, msgpack [job, ...]
-- Output  number of jobs moved or removed
-- uses: base facts settle
jobs_move = true
local moved = 0
for _, name in ipairs(cmsgpack.unpack(ARGV[2])) do
  if redis.call('ZREM', P .. 'dead', name) == 1 then
    local body = redis.call('HGET', P .. 'dead:body', name)
    redis.call('HDEL', P .. 'dead:body', name)
    moved = moved + 1
    if ARGV[1] == 'retry' then
      local job = parse((string.match(name, '^(.*)|[^|]*$') or '') .. '|0')
      if job.malformed then
        note('dead ' .. name, 'was no job, removed', true)
      else
        local known = body and unpacked(body)
        local payload = type(known) == 'table' and known.payload
        if job.adhoc then redis.call('HSET', P .. 'payload', job.name, type(payload) == 'string' and payload or '') end
        make_ready(job, now)
        count('redriven')
      end
    end
  end
end
flush_counts()
return moved
