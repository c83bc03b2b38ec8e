-- Begins every script: key prefix, rights, schema, the server's clock, numbers.
-- taskqueue.store.script puts constants in front: COMMANDS, and those of its function `constants`.
local P = KEYS[1]
-- A command refused halfway would leave half a call behind, and lose jobs. So a missing right, or a command that the
-- server's configuration renamed, refuses the whole call here. COMMANDS lists every command of the script. The check
-- needs plausible arguments: Valkey 9 crashes over a ZUNIONSTORE without them.
if redis.acl_check_cmd then
  local checked
  local exists, allowed = pcall(function()
    local check = redis.acl_check_cmd
    for i = 1, #COMMANDS do
      checked = COMMANDS[i]
      if not check(checked, P, checked == 'ZUNIONSTORE' and 1 or P, P) then return false end
    end
    return true
  end)
  if not allowed or not exists then
    local why = exists and 'NOPERM this user has no permissions to run ' or 'ERR this server has no command '
    return redis.error_reply(why .. checked .. ' within scripts, nothing was done')
  end
end
-- One cheap command answers two questions before anything is read or written.
-- 1. Is the release's slot moving to another node of a Redis Cluster? Each node then holds a part of the keys, and
--    refuses a command with two keys of which one is missing (`moving` always is). The old node redirects the whole call,
--    as its only declared key, the prefix, is missing too; the new node refuses here. So no script runs on half a store.
-- 2. Do the keys have the names and values of this schema? `installed` is SCHEMA|MS; schema 1 wrote the ms alone.
local SCHEMA = '4'
local found = redis.pcall('MGET', P .. 'installed', P .. 'moving')
if found.err then
  return redis.error_reply('MOVING the slot of this release is moving to another node, nothing was done: ' .. found.err)
end
local schema = found[1] and (string.match(found[1], '^(%d+)|%d+$')
  or #found[1] == 13 and string.find(found[1], '^%d+$') and '1')
if schema and schema ~= SCHEMA then
  return redis.error_reply('SCHEMA the keys of this release must be of schema ' .. SCHEMA
    .. ' (were of schema ' .. schema .. '): choose another release name, or delete these keys and publish the manifests again')
end

-- Reads the server's clock (us), once a call. The scripts have no other clock: tests replace this function's text when
-- a script is loaded (part() in store/script.py), and a virtual day would do the same with a clock that jumps from due
-- to due.
local function clock_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local now_us = clock_us()
local now = math.floor(now_us / 1000)

-- Writes a number as a whole one, for values of the store; scores are passed as numbers, which costs a third.
local function int(number) return string.format('%d', number - number % 1) end

-- Reads a whole number of at most 16 digits (microseconds until the year 2286, exact in a double); nil for anything
-- else.
local function whole(text)
  return text and #text <= 16 and string.find(text, '^%d+$') and tonumber(text) or nil
end

-- Reads a rate (starts a second); nil for 0, which starts nothing, and for text that is no rate.
local function per_second(text)
  local value = text and string.find(text, '^[%d.e+-]+$') and tonumber(text)
  return value and value >= MIN_PER_SECOND and value <= MAX_PER_SECOND and value or nil
end
