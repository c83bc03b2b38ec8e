-- Types whose jobs take from other limits than before: their waiting jobs are in the lanes and parked sets of another
-- queue, and `move_jobs` takes them along. `moves`: TYPE|QUEUE -> PLACE|CURSOR, how far that queue was looked through.

-- Returns the queues of types, by name.
local function queues_of(type_names)
  local queues = {}
  for _, name in ipairs(type_names) do
    if find_type(name) then queues[name] = queue_of(name) end
  end
  return queues
end

-- Notes the types whose queue is another one than before, once their records or their limits were written.
local function note_moves(before)
  forget_types()
  for name, queue in pairs(before) do
    if find_type(name) and queue_of(name) ~= queue then redis.call('HSET', P .. 'moves', name .. '|' .. queue, '|0') end
  end
end
