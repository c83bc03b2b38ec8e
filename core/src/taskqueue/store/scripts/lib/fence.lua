-- Who may write what manifests say. `config` fields: owner (whose manifests these are, '' or missing: anybody's) and epoch (of
-- the leader that wrote last; a leader that was replaced without noticing must not write any more).
local function fenced(owner, epoch)
  local known = redis.call('HMGET', P .. 'config', 'owner', 'epoch')
  if known[1] and known[1] ~= owner then return 'foreign' end
  if tonumber(epoch) < (tonumber(known[2]) or 0) then return 'deposed' end
  if owner ~= '' then redis.call('HSET', P .. 'config', 'owner', owner, 'epoch', epoch) end
end
