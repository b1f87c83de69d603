-- Gives entries of a cache's partition; no use is counted.
--
-- KEYS  1 the partition's base
-- ARGV  ids
-- Gives the values in order, nil where there is none.
local keys = {}
for n, id in ipairs(ARGV) do keys[n] = KEYS[1]..':v:'..id end
return redis.call('MGET', unpack(keys))
