-- The first line of a record in `types` is for scripts, the rest (JSON) for Python; both are written in one call.
-- LANE|COST|POLICY|TYPE_US|USER_US|SUSPENDED|GENERATION|STRIDE|WINDOW_S|GENERATIONS   (0 us: no such limit)
-- GENERATIONS: NUMBER=CLASS;... of every generation that still holds members.
local cache = {}
local function facts(kind)
  local known = cache[kind]
  if known == nil then
    local line = redis.call('HGET', P .. 'types', kind)
    if line then
      local lane, cost, policy, type_us, user_us, suspended, rest =
        string.match(line, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^\n]*)')
      known = { lane = lane, cost = tonumber(cost), policy = policy, type_us = tonumber(type_us),
        user_us = tonumber(user_us), suspended = suspended == '1', rest = rest }
    else
      known = false
    end
    cache[kind] = known
  end
  return known
end

-- Where new subscriptions of a type are dealt (its newest generation), and the class of every generation by number.
-- Generation 0 is the waiting room of a type that does not exist.
local function dealing(kind)
  local known = facts(kind)
  if not known then return { generation = 0, classes = { ['0'] = '' } } end
  local generation, stride, window, generations = string.match(known.rest, '^([^|]*)|([^|]*)|([^|]*)|(.*)$')
  local classes = {}
  for number, class in string.gmatch(generations, '([^=;]+)=([^;]*)') do classes[number] = class end
  return { generation = tonumber(generation), class = classes[generation], stride = tonumber(stride),
    window = tonumber(window), classes = classes }
end
