-- Variants of schedules: the zones of users, and the intervals that subscriptions choose. `variants`: zone, or interval
-- in s -> number. Numbers begin at 1, are the same for all types, and stay; 0 is the type's own schedule. A ticker that
-- does not know the latest number is refused (tick), so no variant is left out.
local MAX_VARIANTS = 4095
local PLACES = 549755813888  -- 2^39, above any offset: the score of a place is variant * PLACES + offset ms

-- Reads all variants, name by number. Where one number cannot be read, it is the one that no other variant has.
local variant_names
local function read_variants()
  variant_names = {}
  local list, unreadable = redis.call('HGETALL', P .. 'variants'), {}
  for i = 1, #list, 2 do
    local name, number = list[i], whole(list[i + 1])
    if not string.find(name, '^[%w/_+-]+$') then
      redis.call('HDEL', P .. 'variants', name)
      note('variants ' .. name, 'was no variant, removed', true)
    elseif number and number >= 1 and number <= MAX_VARIANTS and not variant_names[number] then
      variant_names[number] = name
    else
      unreadable[#unreadable + 1] = name
    end
  end
  for _, name in ipairs(unreadable) do
    local number = 1
    while variant_names[number] do number = number + 1 end
    variant_names[number] = name
    redis.call('HSET', P .. 'variants', name, int(number))
    note('variants ' .. name, 'could not be read, numbered again', true)
  end
  return variant_names
end

-- Returns the name of a variant.
local function variant_name(number) return (variant_names or read_variants())[number] end

-- Returns the number of a variant; 0 for none.
local function variant_number(name)
  if name == '' then return 0 end
  local number = whole(redis.call('HGET', P .. 'variants', name))
  if number then return number end
  local last = 0
  for present, other in pairs(read_variants()) do
    if other == name then return present end
    last = math.max(last, present)
  end
  if last >= MAX_VARIANTS then
    note('variants', 'are ' .. MAX_VARIANTS .. ': further zones and intervals run as the schedule of their types')
    return 0
  end
  variant_names[last + 1] = name
  redis.call('HSET', P .. 'variants', name, int(last + 1))
  return last + 1
end

-- Returns the place that a score stands for: a suspended subscription has -1 - place, which no tick reads.
local function place_of(score) return score < 0 and -1 - score or score end
