-- Returns a type with the generation that new subscriptions join, and the classes of every generation by number (as
-- text). GENERATIONS of a type's record: NUMBER=CLASS&CLASS...;... The first class is that of the type's own schedule,
-- the others are those of intervals that subscriptions may choose; each is NAME~STRIDE~ROTATION_MS (plan/spread.py).
-- Subscriptions of a type that does not exist wait in WAITING_ROOM; those of an unreadable type may be in any.
local NO_TYPE = { generation = WAITING_ROOM, classes = { [int(WAITING_ROOM)] = {} } }
local ANY_GENERATION = { generation = WAITING_ROOM, classes = {} }
for number = WAITING_ROOM, MAX_GENERATIONS do ANY_GENERATION.classes[int(number)] = {} end

-- Reads the classes of one generation; nil if one cannot be read.
--   interval   in s, of a class that subscriptions choose
--   follows    whether the class runs in the zone of each user
local function read_classes(text)
  local classes = {}
  for part in string.gmatch(text, '[^&]+') do
    local name, window, stride, rotation = string.match(part, '^(.*/(%d+))~(%d+)~(%d+)$')
    window, stride, rotation = whole(window), whole(stride), whole(rotation)
    if not (window and stride and rotation and window > 0) then return end
    classes[#classes + 1] = {
      name = name, window = window, stride = stride, rotation = rotation,
      interval = tonumber(string.match(name, '^i(%d+)/')), follows = string.find(name, '@user/', 1, true) ~= nil,
    }
  end
  return classes[1] and classes
end

local function generations_of(name)
  local task_type = find_type(name)
  if not task_type or task_type.malformed then return task_type and ANY_GENERATION or NO_TYPE end
  if not task_type.classes then
    task_type.classes = {}
    for number, text in string.gmatch(task_type.generations, '(%d)=([^;]+)') do
      task_type.classes[number] = read_classes(text)
      if not task_type.classes[number] then
        note('types ' .. name)
        found_types[name] = UNREADABLE
        return ANY_GENERATION
      end
    end
    task_type.generation = tonumber(task_type.generation)
  end
  return task_type
end
