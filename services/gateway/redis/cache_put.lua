-- Keeps an entry of a cache's partition, replaces one of the same id, and takes out what expired or is too much.
--
-- KEYS  1 the partition's base: its parts are `:v:<id>` `:h` `:s` `:u` `:d` `:p` `:n` (redis/keys.py)
-- ARGV  1 id  2 head  3 value  4 now ms  5 ms to live  6 entries at most  7 bytes at most  8 expired entries at once
--       9 ms that the bookkeeping stays longer
-- Gives 1, or 0 for an entry that alone is too large.
local base = KEYS[1]
local function remove(id)
  local size = tonumber(redis.call('HGET', base..':s', id) or '0')
  redis.call('UNLINK', base..':v:'..id)
  redis.call('HDEL', base..':h', id)
  redis.call('HDEL', base..':s', id)
  redis.call('ZREM', base..':u', id)
  redis.call('ZREM', base..':d', id)
  redis.call('ZREM', base..':p', id)
  redis.call('HINCRBY', base..':n', 'bytes', -size)
end
local id, head, value = ARGV[1], ARGV[2], ARGV[3]
local now, ttl, most, bytes, expired_max, grace =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if redis.call('HEXISTS', base..':s', id) == 1 then remove(id) end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', base..':d', '-inf', now, 'LIMIT', 0, expired_max)) do remove(old) end
local size = #head + #value
if size > bytes then return 0 end
local place = redis.call('HINCRBY', base..':n', 'place', 1)
redis.call('SET', base..':v:'..id, value, 'PX', ttl)
redis.call('HSET', base..':h', id, head)
redis.call('HSET', base..':s', id, size)
redis.call('ZADD', base..':u', now, id)
redis.call('ZADD', base..':d', now + ttl, id)
redis.call('ZADD', base..':p', place, id)
local held = redis.call('HINCRBY', base..':n', 'bytes', size)
local count = redis.call('ZCARD', base..':u')
while count > most or held > bytes do
  local oldest = redis.call('ZRANGE', base..':u', 0, 0)[1]
  if oldest == id and count == 1 then break end
  if oldest == id then oldest = redis.call('ZRANGE', base..':u', 1, 1)[1] end
  remove(oldest)
  held = tonumber(redis.call('HGET', base..':n', 'bytes'))
  count = count - 1
end
for _, part in ipairs({':h', ':s', ':u', ':d', ':p', ':n'}) do redis.call('PEXPIRE', base..part, ttl + grace) end
return 1
