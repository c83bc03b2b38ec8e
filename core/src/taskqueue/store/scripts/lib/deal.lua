-- Deals subscriptions into the window of their schedule (taskqueue.plan.spread): number k of a class gets second (k *
-- stride) mod W and, once all seconds are used, a golden fraction of that second in ms. So at most ceil(N / W)
-- subscriptions share a second, and none ever moves. A suspended subscription keeps its number; its score is -1 -
-- offset, which no tick reads.
local GOLDEN = 0.6180339887498949

-- Writes a subscription: the number 10 k + generation (1 to 9, in turn; 0: the type does not exist), "s" if suspended,
-- then params, if any. Mostly a bare number, which Redis keeps in 4 to 6 bytes.
local function write_record(subscriptions_key, type_name, k, generation, suspended, params)
  redis.call('HSET', subscriptions_key, type_name, int(k * 10 + generation) .. (suspended and 's' or '') .. params)
end

-- Returns number, generation, suspended and params of a record; nil if it cannot be read.
local function read_record(record)
  local number, suspended, params = string.match(record, '^(%d+)(s?)(.*)$')
  number = whole(number)
  if not number then return end
  return math.floor(number / 10), number % 10, suspended == 's', params
end

-- Returns the offset of number k in the window.
local function offset_ms(k, target)
  return (k * target.stride) % target.window * 1000 + math.floor(math.floor(k / target.window) * GOLDEN % 1 * 1000)
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

-- Gives a new subscription its number and place. One with an unreadable record keeps its place in the schedule.
local function deal(type_name, user, suspended, params, subscriptions_key)
  local target = generations_of(type_name)
  local k, score = 0, -1
  local key = P .. 'schedule:' .. type_name .. ':' .. target.generation
  if target.generation > 0 then
    k = next_number(target.class)
    score = offset_ms(k, target)
    local offset = tonumber(redis.call('ZSCORE', key, user))
    if offset and offset < 0 then offset = -1 - offset end
    if offset and offset < target.window * 1000 and offset % 1 == 0 then score = offset end
    if suspended then score = -1 - score end
  end
  write_record(subscriptions_key, type_name, k, target.generation, suspended, params)
  redis.call('ZADD', key, score, user)
end

-- Gives a subscription's number back to its class.
local function free_number(type_name, k, generation)
  local class = generations_of(type_name).classes[int(generation)]
  if class and class ~= '' and generation > 0 then
    redis.call('ZADD', P .. 'spread:' .. class .. ':free', k, int(k))
  end
end

-- Suspends or resumes a subscription in every generation that has it.
local function set_suspended(type_name, user, suspended)
  for generation in pairs(generations_of(type_name).classes) do
    local key = P .. 'schedule:' .. type_name .. ':' .. generation
    local score = tonumber(redis.call('ZSCORE', key, user))
    if score and (score < 0) ~= suspended and generation ~= '0' then redis.call('ZADD', key, -1 - score, user) end
  end
end
