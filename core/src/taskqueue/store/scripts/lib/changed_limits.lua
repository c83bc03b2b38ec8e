-- Limits that changed, and the waiting jobs that have still to follow them. Each call of `follow_limits` looks at some
-- of these jobs; what is left stands in `changed_limits`, so any process goes on with what another one began:
--   LIMIT                    -> PLACE   parked jobs that take from the limit may start sooner; `limits_free_at` was
--                                       looked through up to this place, SCORE|QUEUE|LIMIT
--   TYPE|parked:QUEUE        -> PLACE   parked jobs of the type take from other limits now; likewise
--   TYPE|parked:QUEUE|LIMIT  -> CURSOR  they are parked at one limit, and many; of ZSCAN
--   TYPE|ready:QUEUE:LANE    -> CURSOR  jobs of the type wait in a lane of a queue that is no longer theirs; of ZSCAN
-- A failover voids cursors of ZSCAN: jobs passed over go to their queue once they are the first in the old one.

-- Notes a limit whose values changed. Every part of the index is looked through again.
local function note_change(limit) redis.call('HSET', P .. 'changed_limits', limit, '0') end

-- Returns the names of a type's User limits, as text.
local function user_limits_of(task_type)
  local names = {}
  for i, definition in ipairs(task_type.users) do names[i] = definition.name end
  return table.concat(names, ';')
end

-- Returns queue, User limits and own spacing of types, by name.
local function limits_of_types(type_names)
  local found = {}
  for _, name in ipairs(type_names) do
    local task_type = find_type(name)
    if task_type then
      found[name] = { queue = queue_of(name), users = user_limits_of(task_type), type_us = task_type.type_us }
    end
  end
  return found
end

-- Notes the types that take from other limits than before, once their records or their limits were written.
local function note_types(before)
  found_types, definitions = {}, {}
  local names = {}
  for name in pairs(before) do names[#names + 1] = name end
  for name, after in pairs(limits_of_types(names)) do
    local queue, changed = before[name].queue, {}
    if after.queue ~= queue or after.users ~= before[name].users then changed = { 'parked:' .. queue } end
    if after.queue ~= queue then
      for _, lane in ipairs(LANES) do changed[#changed + 1] = 'ready:' .. queue .. ':' .. lane end
    elseif after.type_us ~= before[name].type_us then
      note_change(queue)
    end
    for _, place in ipairs(changed) do redis.call('HSET', P .. 'changed_limits', name .. '|' .. place, '0') end
  end
end

-- Returns the queues in which jobs may be parked at a limit: type:TYPE, or a User limit by name.
local queues_at = {}
local function find_queues(limit)
  if queues_at[limit] then return queues_at[limit] end
  local found, own = {}, string.match(limit, '^type:(.+)$')
  for _, name in ipairs(own and { own } or redis.call('HKEYS', P .. 'types')) do
    local task_type, queue = find_type(name), queue_of(name)
    local takes = own ~= nil
    for _, definition in ipairs(task_type and task_type.users or {}) do takes = takes or definition.name == limit end
    if takes then found[queue] = true end
  end
  queues_at[limit] = found
  return found
end

-- Has the jobs that are parked at a limit, type:TYPE or NAME|USER, looked at now: it may be free sooner.
local function look_at_parked(limit)
  for queue in pairs(find_queues(string.match(limit, '^[^|]*'))) do
    redis.call('ZADD', P .. 'limits_free_at', 'XX', 'LT', int(now_us), queue .. '|' .. limit)
  end
end
