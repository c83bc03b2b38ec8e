-- Variants of schedules: the zones of users, and the intervals that subscriptions choose. `variants`: zone, or interval
-- in s -> number. Numbers begin at 1, are the same for all types, and stay; 0 is the type's own schedule. A ticker that
-- does not know the latest number is refused (tick), so no variant is left out.
local MAX_VARIANTS = 4095
local PLACES = 549755813888  -- 2^39, above any offset: the score of a place is variant * PLACES + offset ms

-- Returns the number of a variant; 0 for none.
local function variant_number(name)
  if name == '' then return 0 end
  local number = number_at('variants', name)
  if number then return number end
  number = redis.call('HLEN', P .. 'variants') + 1
  if number > MAX_VARIANTS then
    note('variants', 'are ' .. MAX_VARIANTS .. ': further zones and intervals run as the schedule of their types')
    return 0
  end
  redis.call('HSET', P .. 'variants', name, int(number))
  return number
end

-- Returns the name of a variant.
local variant_names
local function variant_name(number)
  if not variant_names then
    variant_names = {}
    local list = redis.call('HGETALL', P .. 'variants')
    for i = 1, #list, 2 do variant_names[tonumber(list[i + 1]) or 0] = list[i] end
  end
  return variant_names[number]
end

-- Returns the place that a score stands for: a suspended subscription has -1 - place, which no tick reads.
local function place_of(score) return score < 0 and -1 - score or score end
