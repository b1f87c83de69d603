-- Tells what was added to a cache's partition since a place.
--
-- KEYS  1 the partition's base
-- ARGV  1 place  2 now ms  3 entries at most
-- Gives {place to go on from, entries there are, then for each that was added: id, head}.
local base, place, now, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = tonumber(redis.call('HGET', base..':n', 'place') or '0')
local count = redis.call('ZCOUNT', base..':d', '('..now, '+inf')
if last == place then return {last, count} end
if last < place then place = 0 end
local found = redis.call('ZRANGEBYSCORE', base..':p', '('..place, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
local told = {last, count}
for i = 1, #found, 2 do
  local id = found[i]
  if tonumber(redis.call('ZSCORE', base..':d', id) or '0') > now then
    table.insert(told, id)
    table.insert(told, redis.call('HGET', base..':h', id))
  end
  if #found == 2 * most then told[1] = tonumber(found[i + 1]) end
end
return told
