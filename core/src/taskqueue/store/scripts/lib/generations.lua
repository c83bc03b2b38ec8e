-- Returns a type with the generation that new subscriptions join, and the class of every generation by number.
-- Subscriptions of a type that does not exist wait in WAITING_ROOM; those of an unreadable type may be in any.
local NO_TYPE = { generation = WAITING_ROOM, classes = { [int(WAITING_ROOM)] = '' } }
local ANY_GENERATION = { generation = WAITING_ROOM, classes = {} }
for number = WAITING_ROOM, MAX_GENERATIONS do ANY_GENERATION.classes[int(number)] = '' end
local function generations_of(name)
  local task_type = find_type(name)
  if not task_type or task_type.malformed then return task_type and ANY_GENERATION or NO_TYPE end
  if not task_type.classes then
    task_type.classes = {}
    for number, class in string.gmatch(task_type.generations, '(%d)=([^;]+)') do task_type.classes[number] = class end
    task_type.class = task_type.classes[task_type.generation]
    for _, field in ipairs({ 'generation', 'stride', 'window' }) do task_type[field] = tonumber(task_type[field]) end
  end
  return task_type
end
