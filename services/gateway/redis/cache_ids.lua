-- Gives the ids of a cache's partition that have not expired.
--
-- KEYS  1 the partition's base
-- ARGV  1 now ms
return redis.call('ZRANGEBYSCORE', KEYS[1]..':d', '('..ARGV[1], '+inf')
