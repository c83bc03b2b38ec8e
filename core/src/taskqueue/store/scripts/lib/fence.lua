-- Who may write what manifests say. `config` fields: owner (whose manifests these are, '' or missing: anybody's) and epoch (of
-- the leader that wrote last; a leader that was replaced without noticing must not write any more).
local function fenced(owner, epoch)
  local keeper = redis.call('HGET', P .. 'config', 'owner')
  if keeper and keeper ~= owner then return 'foreign' end
  if tonumber(epoch) < (number_at('config', 'epoch') or 0) then return 'deposed' end
  if owner ~= '' then redis.call('HSET', P .. 'config', 'owner', owner, 'epoch', epoch) end
end
