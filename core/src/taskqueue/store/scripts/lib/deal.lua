-- Spread: subscription number k of a class gets second (k * stride) mod W of the window and, once the seconds are used up,
-- a golden fraction of it in ms, so that the peak per second is ceil(N / W) and nobody ever moves (taskqueue.plan.spread).
-- A suspended subscription keeps its number; its score is -1 - offset, which no tick reads.
local GOLDEN = 0.6180339887498949

-- A subscription's record is a whole number, 10 k + generation (1 to 9, in turn; 0 for a type that does not exist), then "s" if
-- suspended, then its params if it has any: mostly a bare number, which Redis keeps in 4 to 6 bytes.
local function write_record(tasks_key, kind, k, generation, suspended, params)
  redis.call('HSET', tasks_key, kind, int(k * 10 + generation) .. (suspended and 's' or '') .. params)
end

local function read_record(record)
  local number, suspended, params = string.match(record, '^(%d+)(s?)(.*)$')
  number = tonumber(number)
  return math.floor(number / 10), number % 10, suspended == 's', params
end

local function offset_ms(k, to)
  return (k * to.stride) % to.window * 1000 + math.floor(math.floor(k / to.window) * GOLDEN % 1 * 1000)
end

local function deal(kind, user, suspended, params, tasks_key)
  local to = dealing(kind)
  local k, score = 0, -1
  if to.generation > 0 then
    local again = redis.call('ZPOPMIN', P .. 'spread:' .. to.class .. ':free')
    k = again[1] and tonumber(again[1]) or redis.call('INCR', P .. 'spread:' .. to.class) - 1
    score = offset_ms(k, to)
    if suspended then score = -1 - score end
  end
  write_record(tasks_key, kind, k, to.generation, suspended, params)
  redis.call('ZADD', P .. 'schedule:' .. kind .. ':' .. to.generation, score, user)
end

-- Gives a subscription's number back to the class it was dealt from.
local function free(kind, k, generation)
  local class = dealing(kind).classes[int(generation)]
  if class and generation > 0 then redis.call('ZADD', P .. 'spread:' .. class .. ':free', k, int(k)) end
end

-- Shows or hides a subscription in every generation that holds it.
local function mark(kind, user, suspended)
  for generation in pairs(dealing(kind).classes) do
    local key = P .. 'schedule:' .. kind .. ':' .. generation
    local score = tonumber(redis.call('ZSCORE', key, user))
    if score and (score < 0) ~= suspended and generation ~= '0' then redis.call('ZADD', key, -1 - score, user) end
  end
end
