-- The first line of a record in `types` is for scripts, the rest (JSON) for Python; both are written in one call.
-- LANE|COST|POLICY|TYPE_US|USER_US|SUSPENDED|GENERATION|STRIDE|WINDOW_S|GENERATIONS   (0 us: no such limit)
-- GENERATIONS: NUMBER=CLASS;... of every generation that still holds members.
-- A type whose record cannot be read is there: its jobs wait for it, as long as their deadlines let them, for what they may cost
-- and how often they may start is in it.
local UNREADABLE = { malformed = true, lane = DEFAULT_LANE, cost = 0, policy = 'Allow', type_us = 0, user_us = 0, suspended = false }
local cache = {}

local function contains(list, value)
  for _, each in ipairs(list) do
    if each == value then return true end
  end
  return false
end

local function read_facts(line)
  local lane, cost, policy, type_us, user_us, suspended, rest =
    string.match(line, '^(%l+)|(%d+)|(%a+)|(%d+)|(%d+)|([01])|([^\n]*)')
  local known = { lane = lane, cost = whole(cost), policy = policy, type_us = whole(type_us), user_us = whole(user_us),
    suspended = suspended == '1' }
  if not (known.cost and known.type_us and known.user_us and contains(POLICIES, policy)) then return end
  if not contains(LANES, lane) then return end
  local generation, stride, window, generations = string.match(rest, '^(%d)|(%d+)|(%d+)|([^|]*)')
  known.generation, known.stride, known.window = whole(generation), whole(stride), whole(window)
  if not (known.generation and known.stride and known.window and known.window > 0) then return end
  known.classes = {}
  for number, class in string.gmatch(generations, '(%d)=([^;]+)') do known.classes[number] = class end
  if known.generation > 0 and not known.classes[int(known.generation)] then return end
  return known
end

local function facts(kind)
  local known = cache[kind]
  if known == nil then
    local line = redis.call('HGET', P .. 'types', kind)
    known = line and read_facts(line) or false
    if line and not known then note('types ' .. kind) end
    -- The whole table was set aside: until it is published again no job is known to be of no type.
    if not known and (line or redis.call('HEXISTS', P .. 'malformed', 'types') == 1) then known = UNREADABLE end
    cache[kind] = known
  end
  return known
end

-- Where new subscriptions of a type are dealt (its newest generation), and the class of every generation by number.
-- Generation 0 is the waiting room of a type that does not exist. Those of a type whose record cannot be read may be any.
local WAITING_ROOM = { generation = 0, classes = { ['0'] = '' } }
local ANY_GENERATION = { generation = 0, classes = {} }
for number = 0, 9 do ANY_GENERATION.classes[int(number)] = '' end
local function dealing(kind)
  local known = facts(kind)
  if not known or known.malformed then return known and ANY_GENERATION or WAITING_ROOM end
  known.class = known.classes[int(known.generation)]
  return known
end
