-- Definitions of limits by name. `limits`: NAME -> KEY|PER_SECOND|BURST|WITHIN. KEY R: all jobs of the release share
-- the limit; U: each user has it to themselves. WITHIN: the Release limit that it is part of, or nothing.
local MAX_DEPTH = 3        -- limits within each other; a definition further out is not read
local definitions = {}

-- Reads rate and burst of a limit; nil if they cannot be read.
local function read_values(rate, burst)
  local values = { per_second = per_second(rate), burst = whole(burst) }
  return values.per_second and values.burst and values.burst > 0 and values or nil
end

-- Returns the definition of a limit; false if nothing defines it, or if it cannot be read.
local function find_definition(name)
  local found = definitions[name]
  if found ~= nil then return found end
  local text = redis.call('HGET', P .. 'limits', name)
  local key, rate, burst, within = string.match(text or '', '^([RU])|([^|]+)|(%d+)|([^|]*)$')
  found = key and read_values(rate, burst) or false
  if found then
    found.name, found.key, found.tats, found.within = name, key, 'tats:' .. name, within ~= '' and within or nil
  elseif text then
    note('limits ' .. name)
  end
  definitions[name] = found
  return found
end

-- Returns rate and burst of a limit that are in force: those set by hand, else its own. `overrides`: field :limit:NAME
-- -> PER_SECOND|BURST|ENDS, no BURST: its own. ENDS: ms, 0: never.
local function find_values(definition)
  if not is_there('overrides') then return definition end
  if definition.in_force then return definition.in_force end
  local field, values = ':limit:' .. definition.name, definition
  local text = redis.call('HGET', P .. 'overrides', field)
  if text then
    local rate, burst, ends = string.match(text, '^([^|]+)|(%d*)|(%d+)$')
    local own = read_values(rate, burst == '' and int(definition.burst) or burst)
    ends = whole(ends)
    if not (own and ends) then
      note('overrides ' .. field)
    elseif ends == 0 or ends > now then
      values = own
    end
  end
  definition.in_force = values
  return values
end

-- Returns the names of a limit and of those that it is within, the innermost first, and one of them that is unknown.
local function lineage_of(name)
  local names = {}
  while name and #names < MAX_DEPTH do
    local definition = find_definition(name)
    names[#names + 1] = name
    if not definition then return names, name end
    name = definition.within
  end
  return names
end

-- Adds a type's queue and its User limits to the type.
--   queue    the innermost Release limit
--   users    its User limits
--   unknown  a limit that nothing defines: the jobs wait
local function resolve_limits(task_type, name)
  local innermost, depth, users, unknown = GLOBAL, 0, {}, nil
  for _, limit in ipairs(task_type.limits or {}) do
    local definition = find_definition(limit)
    local names, missing = lineage_of(limit)
    unknown = missing or unknown
    if definition and definition.key == 'U' then
      users[#users + 1] = definition
      table.remove(names, 1)
    end
    if #names > depth then innermost, depth = names[1], #names end
  end
  task_type.release, task_type.users, task_type.unknown = innermost, users, unknown
  task_type.queue = task_type.type_us > 0 and 'type:' .. name or innermost
end
