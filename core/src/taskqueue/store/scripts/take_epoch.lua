-- take_epoch: takes a fencing epoch that no other caller gets; writers with a lower one are refused from now on.
-- KEYS  1 prefix
-- ARGV  1 owner, NAMESPACE/UID  2 the epoch must be above this
-- Output  the epoch; in a store of another owner nothing is written, and it is refused with any epoch
-- uses: base
local stored = redis.call('HGET', P .. 'config', 'owner')
local above = tonumber(ARGV[2])
if stored and stored ~= '' and stored ~= ARGV[1] then return above + 1 end
local epoch = math.max(number_at('config', 'epoch') or 0, above) + 1
redis.call('HSET', P .. 'config', 'epoch', int(epoch))
return epoch
