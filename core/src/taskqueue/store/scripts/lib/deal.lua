-- Deals subscriptions into the windows of their schedules (taskqueue.plan.spread): number k of a class gets second (k *
-- stride + rotation) mod W and, once all seconds are used, a golden fraction of that second in ms. So at most ceil(N /
-- W) subscriptions of a class share a second, and none ever moves. A suspended subscription keeps its number.
local GOLDEN = 0.6180339887498949

-- Records of subscriptions: the number 10 k + generation (1 to 9, in turn; 0: the type does not exist), flags, the
-- chosen interval behind a colon, params. Mostly a bare number, which Redis keeps in 4 to 6 bytes. Flags: s suspended
-- by the manifest, p paused user, b and t suspended by the circuit breaker (lib/suspensions.lua).
--   interval   in s, as text; '' for the type's own
local function write_record(user, type_name, record)
  local text = int(record.k * 10 + record.generation) .. record.flags
  if record.interval ~= '' then text = text .. ':' .. record.interval end
  redis.call('HSET', P .. 'subscriptions:' .. user, type_name, text .. record.params)
end

-- Reads a record; nil if it cannot be read.
local function read_record(text)
  local number, flags, interval, params = string.match(text, '^(%d+)(%l*):?(%d*)(.*)$')
  number = whole(number)
  if not number then return end
  return { k = math.floor(number / 10), generation = number % 10, flags = flags, interval = interval, params = params }
end

-- Returns flags with or without one of them.
local function with_flag(flags, flag, on)
  local others = string.gsub(flags, flag, '')
  return on and others .. flag or others
end

-- Tells whether nothing is emitted for a subscription with these flags: all but t stop it.
local function is_idle(flags) return flags ~= '' and flags ~= 't' end

-- Returns the offset of number k of a class.
local function offset_ms(k, class)
  local second = (k * class.stride + math.floor(class.rotation / 1000)) % class.window
  local fraction = math.floor(math.floor(k / class.window) * GOLDEN % 1 * 1000)
  return second * 1000 + (fraction + class.rotation) % 1000
end

-- Returns the score of a subscription's place.
local function score_of(place, record)
  return is_idle(record.flags) and -1 - place or place
end

-- Returns the class among `classes` that a subscription belongs to, and its variant. zone: the variant of its user.
local function class_for(classes, record, zone)
  if record.interval ~= '' then
    for i = 2, #classes do
      local variant = classes[i].interval == tonumber(record.interval) and variant_number(record.interval) or 0
      if variant > 0 then return classes[i], variant end
    end
  end
  return classes[1], classes[1].follows and zone or 0
end

-- Returns the class in which a subscription has its number at present; nil if the type cannot be read.
local function present_class(type_name, user, record)
  local classes = generations_of(type_name).classes[int(record.generation)]
  if not classes or record.generation == 0 then return end
  if classes[2] then
    local score = redis.call('ZSCORE', P .. 'schedule:' .. type_name .. ':' .. int(record.generation), user)
    local name = score and variant_name(math.floor(place_of(tonumber(score)) / PLACES))
    for i = 2, #classes do
      if classes[i].interval == tonumber(name) then return classes[i] end
    end
  end
  return classes[1]
end

-- Returns the next number of a class: a freed one, else a new one. An unreadable counter is replaced by the clock (s),
-- far above any number dealt before.
local function next_number(class)
  local freed = redis.call('ZPOPMIN', P .. 'spread:' .. class .. ':free')
  local k = whole(freed[1])
  if freed[1] and not (k and k < 1e12) then
    note('spread:' .. class .. ':free ' .. freed[1], 'is no number, removed', true)
  end
  if k and k < 1e12 then return k end
  local key = P .. 'spread:' .. class
  local text = redis.call('GET', key)
  if text and not (whole(text) and #text <= 12) then
    note('spread:' .. class)
    redis.call('SET', key, int(math.floor(now / 1000)))
  end
  return redis.call('INCR', key) - 1
end

-- Gives a number back to its class.
local function free_number(class, k) redis.call('ZADD', P .. 'spread:' .. class.name .. ':free', k, int(k)) end

-- Gives a subscription number and place in the newest generation of its type. present: the class of its present number,
-- which it keeps if its class stays the same. One with an unreadable record keeps its place in the schedule.
local function deal(type_name, user, record, zone, present)
  local target = generations_of(type_name)
  local generation, score = target.generation, -1
  local key = P .. 'schedule:' .. type_name .. ':' .. generation
  local class, variant
  if generation > 0 then class, variant = class_for(target.classes[int(generation)], record, zone) end
  if not (class and present and class.name == present.name) then
    if present then free_number(present, record.k) end
    record.k = class and next_number(class.name) or 0
  end
  if class then
    local offset, before = offset_ms(record.k, class), tonumber(redis.call('ZSCORE', key, user))
    before = before and place_of(before) % PLACES
    if before and before < class.window * 1000 and before % 1 == 0 then offset = before end
    score = score_of(variant * PLACES + offset, record)
  end
  record.generation = generation
  write_record(user, type_name, record)
  redis.call('ZADD', key, score, user)
end

-- Writes the scores of a subscription, in every generation that has it, after its flags or the zone of its user changed.
local function update_scores(type_name, user, record, zone)
  for generation, classes in pairs(generations_of(type_name).classes) do
    local key = P .. 'schedule:' .. type_name .. ':' .. generation
    local score = tonumber(redis.call('ZSCORE', key, user))
    if score and generation ~= '0' then
      local place = place_of(score)
      if classes[1] and classes[1].follows then place = zone * PLACES + place % PLACES end
      local new = score_of(place, record)
      if new ~= score then redis.call('ZADD', key, new, user) end
    end
  end
end
