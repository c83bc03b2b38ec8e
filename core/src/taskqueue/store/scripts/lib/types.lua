-- Task types. The first line of a record in `types` is for scripts, the rest (JSON) for Python; one call writes both.
--   LANE|COST|POLICY|TYPE_US|SUSPENDED|GENERATION|GENERATIONS|LIMITS|SUSPEND_AFTER|RETRY_SUSPENDED_MS
-- TYPE_US: spacing of starts of the type; 0: no such limit. GENERATION: of new subscriptions. GENERATIONS: with the
-- classes of each generation that has members (lib/generations.lua). LIMITS: names, with ";" between them.
-- SUSPEND_AFTER, RETRY_SUSPENDED_MS: of the circuit breaker (lib/suspensions.lua), 0: none. A type with an unreadable
-- record exists: its jobs wait, within their deadlines, as cost and limits are in the record.
local UNREADABLE = {
  malformed = true, lane = DEFAULT_LANE, cost = 0, policy = 'Allow', type_us = 0, suspended = false,
  queue = GLOBAL, release = GLOBAL, users = {},
}
local found_types = {}

local function set_of(list)
  local set = {}
  for i = 1, #list do set[list[i]] = true end
  return set
end

-- Reads the first line of a record; nil if it cannot be read. What is for the generations stays text
-- (lib/generations.lua).
local RECORD = '^(%l+)|(%d+)|(%a+)|(%d+)|([01])|(%d)|([^|\n]*)|?([^|\n]*)'
local IS_LANE, IS_POLICY = set_of(LANES), set_of(POLICIES)
local function read_type(line)
  local lane, cost, policy, type_us, suspended, generation, generations, limits = string.match(line, RECORD)
  if not (IS_LANE[lane] and IS_POLICY[policy]) then return end
  cost, type_us = whole(cost), whole(type_us)
  if not (cost and type_us) then return end
  if generation ~= '0' and not string.find(';' .. generations, ';' .. generation .. '=[^;]') then return end
  local task_type = {
    lane = lane, cost = cost, policy = policy, type_us = type_us, suspended = suspended == '1', limits = {},
    generation = generation, generations = generations,
  }
  if limits ~= '' then
    for name in string.gmatch(limits, '[^;]+') do task_type.limits[#task_type.limits + 1] = name end
  end
  return task_type
end

-- Returns a type: false if it does not exist, UNREADABLE if its record cannot be read.
local function find_type(name)
  local task_type = found_types[name]
  if task_type == nil then
    local line = redis.call('HGET', P .. 'types', name)
    task_type = line and read_type(line) or false
    if line and not task_type then note('types ' .. name) end
    -- While the whole hash is set aside, no type is known not to exist.
    if not task_type and (line or redis.call('HEXISTS', P .. 'malformed', 'types') == 1) then task_type = UNREADABLE end
    found_types[name] = task_type
  end
  return task_type
end
