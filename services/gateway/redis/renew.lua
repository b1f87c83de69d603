-- Keeps leases of calls that are still under way. KEYS: sorted sets. ARGV: 1 lease ms, then one member a key.
local clock = redis.call('TIME')
local until_ms = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000) + tonumber(ARGV[1])
for n, key in ipairs(KEYS) do
  redis.call('ZADD', key, 'XX', until_ms, ARGV[n + 1])
  if redis.call('PTTL', key) < 2 * tonumber(ARGV[1]) then redis.call('PEXPIRE', key, 2 * tonumber(ARGV[1])) end
end
return #KEYS
