-- Refuses writers of manifests: 'foreign' if the store belongs to the manifests of another owner, 'deposed' if a later
-- leader wrote (a leader that was replaced may not know). `config` has owner ('' or missing: any) and epoch of the last
-- leader.
local function fenced(owner, epoch)
  local stored = redis.call('HGET', P .. 'config', 'owner')
  if stored and stored ~= owner then return 'foreign' end
  if tonumber(epoch) < (number_at('config', 'epoch') or 0) then return 'deposed' end
  if owner ~= '' then redis.call('HSET', P .. 'config', 'owner', owner, 'epoch', epoch) end
end
