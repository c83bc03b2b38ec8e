-- claim_epoch: takes a fencing epoch that nobody else ever gets; writers with lower ones are refused from now on.
-- KEYS  1 prefix
-- ARGV  1 owner  2 the epoch must be above this
-- Output  the epoch; none is taken from the store of another owner
-- uses: base
local known = redis.call('HMGET', P .. 'config', 'owner', 'epoch')
local above = tonumber(ARGV[2])
if known[1] and known[1] ~= '' and known[1] ~= ARGV[1] then return above + 1 end
local epoch = math.max(tonumber(known[2]) or 0, above) + 1
redis.call('HSET', P .. 'config', 'epoch', int(epoch))
return epoch
