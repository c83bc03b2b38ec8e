-- note_write: notes a write of the API before it is carried out, and once more at its end, in the newest MAX_WRITES.
-- KEYS  1 prefix
-- ARGV  1 number of the noted write that ended, '' for one that begins  2 status of its answer, '' before its end  3 the write, as JSON
-- Output  number of the write; 0 if as many others began meanwhile as are kept
-- uses: base
local MAX_WRITES = 1000  -- store/writes.py reads them all
local key, number = P .. 'writes', whole(ARGV[1])
local began_ms = now
if number then
  local noted = redis.call('HGET', key, int(number % MAX_WRITES))
  began_ms = noted and string.match(noted, '^' .. int(number) .. '|(%d+)|')
  if not began_ms then return 0 end
else
  number = (number_at('writes', 'last') or 0) + 1
  redis.call('HSET', key, 'last', int(number))
end
redis.call('HSET', key, int(number % MAX_WRITES), table.concat({ int(number), int(began_ms), ARGV[2], ARGV[3] }, '|'))
return number
