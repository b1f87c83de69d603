-- Gives back what a call held and counts what it spent. The second settlement of one call changes nothing.
--
-- KEYS  1 tenant's window  2 user's window  3 tenant's streams  4 user's streams
--       5 turn  6 turn's calls under way  7 conversation  8 conversation's calls under way  9 settlements of the minute
-- ARGV  1 id  2 window ms  3 bucket ms  4 bucket of the reservation  5 tokens reserved  6 tokens spent  7 picousd held
--       8 picousd spent  9 ms taken  10 tenant is limited (1, 0)  11 user is  12 has a turn  13 has a conversation
--       14 s a settlement is remembered
if redis.call('HSETNX', KEYS[9], ARGV[1], 1) == 0 then return 0 end
redis.call('EXPIRE', KEYS[9], ARGV[14])
local id, window_ms, bucket_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local reserved, spent = tonumber(ARGV[5]), tonumber(ARGV[6])

local function correct(key)
  local change, at = spent - reserved, ARGV[4]
  if change == 0 then return end
  if change > 0 then
    -- More than was held is counted from now on.
    local clock = redis.call('TIME')
    at = math.floor((tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)) / bucket_ms)
    redis.call('HSETNX', key, 'o', at)
    redis.call('PEXPIRE', key, window_ms + 2 * bucket_ms)
  elseif redis.call('HEXISTS', key, 't' .. at) == 0 then
    return -- aged already: it holds nothing that could be given back
  end
  redis.call('HINCRBY', key, 't' .. at, change)
  redis.call('HINCRBY', key, 't', change)
  redis.call('HINCRBY', key, 'r', 0)
end

local function spend(key, under_way)
  if redis.call('ZREM', under_way, id .. ':' .. ARGV[5] .. ':' .. ARGV[7]) == 1 then
    if ARGV[5] ~= '0' then redis.call('HINCRBY', key, 'held_tokens', '-' .. ARGV[5]) end
    if ARGV[7] ~= '0' then redis.call('HINCRBY', key, 'held_picousd', '-' .. ARGV[7]) end
  end
  redis.call('HINCRBY', key, 'tokens', ARGV[6])
  redis.call('HINCRBY', key, 'picousd', ARGV[8])
  redis.call('HINCRBY', key, 'ms', ARGV[9])
end

if ARGV[10] == '1' then correct(KEYS[1]) end
if ARGV[11] == '1' then correct(KEYS[2]) end
redis.call('ZREM', KEYS[3], id)
redis.call('ZREM', KEYS[4], id)
if ARGV[12] == '1' then spend(KEYS[5], KEYS[6]) end
if ARGV[13] == '1' then spend(KEYS[7], KEYS[8]) end
return 1
