-- Counts a deployment's failure for all replicas and opens its circuit when there are too many in the window.
--
-- KEYS  1 failures (sorted set)  2 tripped: the circuit is not closed  3 open: expires when a probe may be made  4 probe
-- ARGV  1 a name for this failure  2 ms of the window  3 failures that open it  4 ms it stays open
--       5 ms after which a circuit that nobody asks for is forgotten
-- Gives the milliseconds that it stays open, 0 where it is closed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', KEYS[2]) == 1 then
  if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
    redis.call('DEL', KEYS[4])
  end
  return redis.call('PTTL', KEYS[3])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  redis.call('SET', KEYS[2], 1, 'PX', ARGV[5])
  redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
  redis.call('DEL', KEYS[1], KEYS[4])
  return tonumber(ARGV[4])
end
return 0
