-- Refusals: an API told a handler to wait, and limits are closed for all workers.

-- Tells whether a queue's path holds a limit.
local function is_on_path(queue, limit)
  while queue.within and queue ~= limit do queue = queue.within end
  return queue == limit
end

local limits_to_close
do
  local REFUSED_USERS, REFUSED_MS = 3, 1000

  -- Tells whether an API refuses not one user but all: REFUSED_USERS within REFUSED_MS. `refused:LIMIT`: user -> when,
  -- ms.
  local function is_refused_to_all(limit, user)
    local key = P .. 'refused:' .. limit.name
    redis.call('ZADD', key, now, user)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - REFUSED_MS)
    redis.call('PEXPIRE', key, REFUSED_MS)
    return redis.call('ZCARD', key) >= REFUSED_USERS
  end

  -- Returns the limit of this name from which a job takes; nil if there is none.
  local function find_named(job, task_type, name)
    for _, definition in ipairs(task_type.users) do
      if definition.name == name then return find_user_limit(definition, job.user) end
    end
    local limit = find_limit(queue_of(job.type))
    while limit.within and limit.name ~= name do limit = limit.within end
    return limit.name == name and limit or name == 'type:' .. job.type and find_limit(name) or nil
  end

  -- Returns the limits to close for a job whose handler was refused: the one that the handler named, else the type's
  -- first User limit for this user, and its innermost Release limit without one, or once all users are refused. A type
  -- without limits by name waits as a whole.
  function limits_to_close(job, name)
    local task_type, own = find_type(job.type), 'type:' .. job.type
    if not task_type then return { find_limit(own) } end
    queue_of(job.type)
    local named = name ~= '' and find_named(job, task_type, name)
    if named then return { named } end
    local shared, definition = find_limit(task_type.release ~= GLOBAL and task_type.release or own), task_type.users[1]
    if not definition then return { shared } end
    local found = { find_user_limit(definition, job.user) }
    if is_refused_to_all(shared, job.user) then found[2] = shared end
    return found
  end
end

-- Closes a limit until until_us for all workers, as the API told a handler.
local function close_limit(limit, until_us)
  until_us = math.min(until_us, now_us + CLOSED_MAX_US)
  any_closed = true
  closed[limit.name] = math.max(closed_until(limit.name), until_us)
  limit.closed_us = closed[limit.name]
  limit.free_us = math.max(limit.free_us, limit.closed_us)
  redis.call('ZADD', P .. 'limits_closed_until', 'GT', until_us, limit.name)
end
