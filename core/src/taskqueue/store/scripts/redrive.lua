-- redrive: puts dead letters back into their lanes, without failures and deadline, or deletes them.
-- KEYS  1 prefix
-- ARGV  1 retry or purge  2 jobs, msgpack [job, ...]
-- Output  number of jobs moved or removed
-- uses: base types definitions queues jobs
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
        local fields = body and unpacked(body)
        local payload = type(fields) == 'table' and fields.payload
        if job.adhoc then redis.call('HSET', P .. 'payload', job.name, type(payload) == 'string' and payload or '') end
        make_ready(job, now)
        count('redriven')
      end
    end
  end
end
flush_counts()
return moved
