-- claim_epoch: takes a fencing epoch that nobody else ever gets; writers with lower ones are refused from now on.
-- KEYS  1 prefix
-- ARGV  1 owner  2 the epoch must be above this
-- Output  the epoch; none is taken from the store of another owner
-- uses: base
local keeper = redis.call('HGET', P .. 'config', 'owner')
local above = tonumber(ARGV[2])
if keeper and keeper ~= '' and keeper ~= ARGV[1] then return above + 1 end
local epoch = math.max(number_at('config', 'epoch') or 0, above) + 1
redis.call('HSET', P .. 'config', 'epoch', int(epoch))
return epoch
