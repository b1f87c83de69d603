-- Gives an entry of a cache's partition, and counts it as used.
--
-- KEYS  1 the partition's base
-- ARGV  1 now ms  2 id
-- Gives the value, or nil.
local value = redis.call('GET', KEYS[1]..':v:'..ARGV[2])
if value then redis.call('ZADD', KEYS[1]..':u', 'XX', ARGV[1], ARGV[2]) end
return value
