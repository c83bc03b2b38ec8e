-- Spread: subscription number k of a class gets second (k * stride) mod W of the window and, once the seconds are used up,
-- a golden fraction of it in ms, so that the peak per second is ceil(N / W) and nobody ever moves (taskqueue.plan.spread).
-- A suspended subscription keeps its number; its score is -1 - offset, which no tick reads.
local GOLDEN = 0.6180339887498949

-- A subscription's record is a whole number, 10 k + generation (1 to 9, in turn; 0 for a type that does not exist), then "s" if
-- suspended, then its params if it has any: mostly a bare number, which Redis keeps in 4 to 6 bytes.
local function write_record(tasks_key, kind, k, generation, suspended, params)
  redis.call('HSET', tasks_key, kind, int(k * 10 + generation) .. (suspended and 's' or '') .. params)
end

-- Nothing comes of a record that cannot be read.
local function read_record(record)
  local number, suspended, params = string.match(record, '^(%d+)(s?)(.*)$')
  number = whole(number)
  if not number then return end
  return math.floor(number / 10), number % 10, suspended == 's', params
end

local function offset_ms(k, to)
  return (k * to.stride) % to.window * 1000 + math.floor(math.floor(k / to.window) * GOLDEN % 1 * 1000)
end

-- Gives the next number of a class: one that became free, else a new one. A counter that cannot be read goes on with the clock:
-- far above any number that was dealt.
local function next_number(class)
  local again = redis.call('ZPOPMIN', P .. 'spread:' .. class .. ':free')
  local k = whole(again[1])
  if again[1] and not (k and k < 1e12) then note('spread:' .. class .. ':free ' .. again[1], 'is no number, removed', true) end
  if k and k < 1e12 then return k end
  local key = P .. 'spread:' .. class
  local text = redis.call('GET', key)
  if text and not (whole(text) and #text <= 12) then
    note('spread:' .. class)
    redis.call('SET', key, int(math.floor(now / 1000)))
  end
  return redis.call('INCR', key) - 1
end

-- A subscription whose record could not be read keeps its place in the schedule.
local function deal(kind, user, suspended, params, tasks_key)
  local to = dealing(kind)
  local k, score = 0, -1
  local key = P .. 'schedule:' .. kind .. ':' .. to.generation
  if to.generation > 0 then
    k = next_number(to.class)
    score = offset_ms(k, to)
    local there = tonumber(redis.call('ZSCORE', key, user))
    if there and there < 0 then there = -1 - there end
    if there and there < to.window * 1000 and there % 1 == 0 then score = there end
    if suspended then score = -1 - score end
  end
  write_record(tasks_key, kind, k, to.generation, suspended, params)
  redis.call('ZADD', key, score, user)
end

-- Gives a subscription's number back to the class it was dealt from.
local function free(kind, k, generation)
  local class = dealing(kind).classes[int(generation)]
  if class and class ~= '' and generation > 0 then redis.call('ZADD', P .. 'spread:' .. class .. ':free', k, int(k)) end
end

-- Shows or hides a subscription in every generation that holds it.
local function mark(kind, user, suspended)
  for generation in pairs(dealing(kind).classes) do
    local key = P .. 'schedule:' .. kind .. ':' .. generation
    local score = tonumber(redis.call('ZSCORE', key, user))
    if score and (score < 0) ~= suspended and generation ~= '0' then redis.call('ZADD', key, -1 - score, user) end
  end
end
