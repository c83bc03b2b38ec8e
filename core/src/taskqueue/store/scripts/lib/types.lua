-- Task types. The first line of a record in `types` is for scripts, the rest (JSON) for Python; one call writes both.
--   LANE|COST|POLICY|TYPE_US|SUSPENDED|GENERATION|STRIDE|WINDOW_S|GENERATIONS|LIMITS
-- TYPE_US: spacing of starts of the type; 0: no such limit. GENERATION: of new subscriptions. GENERATIONS:
-- NUMBER=CLASS;... of every generation with members. LIMITS: names, with ";" between them. A type with an unreadable
-- record exists: its jobs wait, within their deadlines, as cost and limits are in the record.
local UNREADABLE = {
  malformed = true, lane = DEFAULT_LANE, cost = 0, policy = 'Allow', type_us = 0, suspended = false,
  queue = GLOBAL, release = GLOBAL, users = {},
}
local found_types = {}

local function contains(list, value)
  for _, each in ipairs(list) do
    if each == value then return true end
  end
  return false
end

-- Reads the first line of a record; nil if it cannot be read.
local function read_type(line)
  local lane, cost, policy, type_us, suspended, rest =
    string.match(line, '^(%l+)|(%d+)|(%a+)|(%d+)|([01])|([^\n]*)')
  local task_type = {
    lane = lane, cost = whole(cost), policy = policy, type_us = whole(type_us), suspended = suspended == '1',
  }
  if not (task_type.cost and task_type.type_us and contains(POLICIES, policy)) then return end
  if not contains(LANES, lane) then return end
  local generation, stride, window, generations, limits = string.match(rest, '^(%d)|(%d+)|(%d+)|([^|]*)|?([^|]*)')
  task_type.generation, task_type.stride, task_type.window = whole(generation), whole(stride), whole(window)
  if not (task_type.generation and task_type.stride and task_type.window and task_type.window > 0) then return end
  task_type.classes = {}
  for number, class in string.gmatch(generations, '(%d)=([^;]+)') do task_type.classes[number] = class end
  task_type.limits = {}
  for name in string.gmatch(limits, '[^;]+') do task_type.limits[#task_type.limits + 1] = name end
  if task_type.generation > 0 and not task_type.classes[int(task_type.generation)] then return end
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

-- Returns a type with the generation that new subscriptions join, and the class of every generation by number.
-- Subscriptions of a type that does not exist wait in WAITING_ROOM; those of an unreadable type may be in any.
local NO_TYPE = { generation = WAITING_ROOM, classes = { [int(WAITING_ROOM)] = '' } }
local ANY_GENERATION = { generation = WAITING_ROOM, classes = {} }
for number = WAITING_ROOM, MAX_GENERATIONS do ANY_GENERATION.classes[int(number)] = '' end
local function generations_of(name)
  local task_type = find_type(name)
  if not task_type or task_type.malformed then return task_type and ANY_GENERATION or NO_TYPE end
  task_type.class = task_type.classes[int(task_type.generation)]
  return task_type
end
