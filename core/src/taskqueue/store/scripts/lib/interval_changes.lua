-- A subscription that chooses another interval keeps the old one until the next period of the new one begins: then no
-- period runs twice, and no two runs are further apart than an old and a new period. `interval_changes`: TYPE|USER ->
-- when the new interval takes over, ms, a moment before that period. tick stops at this instant and changes over.
local note_interval, change_intervals
do
  local MAX_CHANGES = 200  -- subscriptions changed over in a call

  -- Returns a moment before the next period of a class, ms; after the cursor, which may stand at such a moment.
  local function takeover_ms(class)
    local at = math.floor((math.max(read_cursor() or now, now) + 1) / 1000)
    return (math.floor(at / class.interval) + 1) * class.interval * 1000 - 1
  end

  -- Returns the record of a subscription; nil without one that can be read.
  local function find_record(type_name, user)
    local text = redis.call('HGET', P .. 'subscriptions:' .. user, type_name)
    return text and read_record(text) or nil
  end

  -- Notes a subscription whose record now has another interval.
  function note_interval(type_name, user, record)
    local classes = generations_of(type_name).classes[int(record.generation)]
    local present = classes and present_class(type_name, user, record)
    local class = present and class_for(classes, record, 0)
    if class and class.name ~= present.name then
      redis.call('ZADD', P .. 'interval_changes', takeover_ms(class), type_name .. '|' .. user)
    else
      redis.call('ZREM', P .. 'interval_changes', type_name .. '|' .. user)
    end
  end

  local function change_over(type_name, user)
    local record = find_record(type_name, user)
    local present = record and present_class(type_name, user, record)
    if not present then return end
    local generation = int(record.generation)
    local class, variant = class_for(generations_of(type_name).classes[generation], record, 0)
    if class.name == present.name then return end
    free_number(present, record.k)
    record.k = next_number(class.name)
    write_record(user, type_name, record)
    local score = score_of(variant * PLACES + offset_ms(record.k, class), record)
    redis.call('ZADD', P .. 'schedule:' .. type_name .. ':' .. generation, score, user)
  end

  -- Changes subscriptions over whose time has come. behind: types whose jobs are emitted later; their subscriptions
  -- change with a later period. Returns when the next ones change (ms, -1: none); up to the cursor, if more are left.
  function change_intervals(cursor, behind)
    local key = P .. 'interval_changes'
    local rows = redis.call('ZRANGEBYSCORE', key, '-inf', cursor, 'LIMIT', 0, MAX_CHANGES)
    for _, member in ipairs(rows) do
      local type_name, user = string.match(member, '^([^|]+)|(.+)$')
      redis.call('ZREM', key, member)
      if not type_name then
        note('interval_changes ' .. member, 'was no subscription, removed', true)
      elseif behind[type_name] then
        local record = find_record(type_name, user)
        if record then note_interval(type_name, user, record) end
      else
        change_over(type_name, user)
      end
    end
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return tonumber(first[2]) or -1
  end
end
