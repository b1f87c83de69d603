-- Admits one call or refuses it, in one step over all replicas. Nothing is counted of a call that is refused.
--
-- KEYS  1 tenant's window  2 user's window  3 tenant's streams  4 user's streams
--       5 turn  6 turn's calls under way  7 conversation  8 conversation's calls under way
--       9 tenant's day  10 tenant's month  11 what an operator has capped the tenant's day at (picousd)
-- ARGV  1 id  2 window ms  3 bucket ms  4 lease ms  5 tokens  6 is a stream (1, 0)
--       7-9 tenant's requests, tokens, streams  10-12 user's  (-1: no limit)
--       13 has a turn (1, 0)  14-17 turn's tokens, calls, ms, picousd  18 has a conversation  19-22 conversation's
--       23 tenant's day picousd  24 month picousd  25 at the limit: refuse or downgrade
--       26 picousd that the call may cost  27 the same at the cheaper model  28 s a turn is kept  29 s a conversation is
-- Gives {1, bucket, 0 or 1 (downgraded), ms left} or {0, whose, what, limit, used, ms to wait}.
local id, window_ms, bucket_ms, lease_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local tokens, is_stream = tonumber(ARGV[5]), ARGV[6] == '1'
local clock = redis.call('TIME')
local now_ms = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local bucket = math.floor(now_ms / bucket_ms)
-- A call of the bucket `oldest` may be just under a window old, so it still counts; earlier ones no more.
local oldest = bucket - math.ceil(window_ms / bucket_ms)

-- What a window holds now: requests and tokens, after what has aged is taken out.
local function held(key)
  local head = redis.call('HMGET', key, 'r', 't', 'o')
  if not head[1] then return 0, 0, bucket end
  local requests, total, first = tonumber(head[1]), tonumber(head[2]), tonumber(head[3])
  if first >= oldest then return requests, total, first end
  if oldest - first > 1000 then
    redis.call('DEL', key)
    return 0, 0, bucket
  end
  local fields = {}
  for n = first, oldest - 1 do
    fields[#fields + 1] = 'r' .. n
    fields[#fields + 1] = 't' .. n
  end
  local values = redis.call('HMGET', key, unpack(fields))
  for n = 1, #values, 2 do
    requests = requests - tonumber(values[n] or 0)
    total = total - tonumber(values[n + 1] or 0)
  end
  redis.call('HDEL', key, unpack(fields))
  redis.call('HSET', key, 'r', requests, 't', total, 'o', oldest)
  return requests, total, oldest
end

-- Milliseconds until `excess` of a window has aged.
local function wait_ms(key, kind, first, excess)
  for n = first, bucket do
    excess = excess - tonumber(redis.call('HGET', key, kind .. n) or 0)
    if excess <= 0 then return (n + math.ceil(window_ms / bucket_ms) + 1) * bucket_ms - now_ms end
  end
  return window_ms
end

local function checked(whose, key, requests_max, tokens_max)
  if requests_max < 0 and tokens_max < 0 then return nil end
  local requests, total, first = held(key)
  if requests_max >= 0 and requests + 1 > requests_max then
    return {0, whose, 'requests', requests_max, requests, wait_ms(key, 'r', first, requests + 1 - requests_max)}
  end
  if tokens_max >= 0 and total + tokens > tokens_max then
    return {0, whose, 'tokens', tokens_max, total, wait_ms(key, 't', first, total + tokens - tokens_max)}
  end
  return nil
end

local function streams_checked(whose, key, streams_max)
  if not is_stream or streams_max < 0 then return nil end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now_ms)
  local open = redis.call('ZCARD', key)
  if open >= streams_max then return {0, whose, 'streams', streams_max, open, 1000} end
  return nil
end

-- A turn or a conversation: what is spent and what calls under way may still spend must leave room for this call.
local function room_checked(whose, key, under_way, first_limit, cost)
  local gone = redis.call('ZRANGEBYSCORE', under_way, '-inf', now_ms)
  for _, member in ipairs(gone) do
    local _, held_tokens, held_cost = string.match(member, '^(.-):(%d+):(%d+)$')
    if held_tokens ~= '0' then redis.call('HINCRBY', key, 'held_tokens', '-' .. held_tokens) end
    if held_cost ~= '0' then redis.call('HINCRBY', key, 'held_picousd', '-' .. held_cost) end
    redis.call('ZREM', under_way, member)
  end
  local spent = redis.call('HMGET', key, 'tokens', 'held_tokens', 'calls', 'ms', 'picousd', 'held_picousd')
  for n = 1, 6 do spent[n] = tonumber(spent[n] or 0) end
  local limits = {}
  for n = 0, 3 do limits[n] = tonumber(ARGV[first_limit + n]) end
  if limits[0] >= 0 and spent[1] + spent[2] + tokens > limits[0] then
    return {0, whose, 'tokens', limits[0], spent[1] + spent[2], -1}
  end
  if limits[1] >= 0 and spent[3] + 1 > limits[1] then return {0, whose, 'calls', limits[1], spent[3], -1} end
  if limits[2] >= 0 and spent[4] >= limits[2] then return {0, whose, 'ms', limits[2], spent[4], -1} end
  if limits[3] >= 0 and spent[5] + spent[6] + cost > limits[3] then
    return {0, whose, 'picousd', ARGV[first_limit + 3], string.format('%.0f', spent[5] + spent[6]), -1}
  end
  return nil, limits[2] >= 0 and limits[2] - spent[4] or -1
end

local function period_checked(key, limit)
  if tonumber(limit) < 0 then return nil end
  local spent = redis.call('HGET', key, 'picousd') or '0'
  if tonumber(spent) >= tonumber(limit) then return spent end
  return nil
end

local cap = redis.call('GET', KEYS[11])
if cap and period_checked(KEYS[9], cap) then
  return {0, 'tenant', 'cap', cap, redis.call('HGET', KEYS[9], 'picousd') or '0', -1}
end

local cost, downgraded = ARGV[26], 0
local spent, period, limit = period_checked(KEYS[9], ARGV[23]), 'day', ARGV[23]
if not spent then spent, period, limit = period_checked(KEYS[10], ARGV[24]), 'month', ARGV[24] end
if spent then
  if ARGV[25] ~= 'downgrade' then return {0, 'tenant', period, limit, spent, -1} end
  cost, downgraded = ARGV[27], 1
end

local has_turn, has_conversation, left_ms = ARGV[13] == '1', ARGV[18] == '1', -1
if has_turn then
  local refusal, left = room_checked('turn', KEYS[5], KEYS[6], 14, tonumber(cost))
  if refusal then return refusal end
  left_ms = left
end
if has_conversation then
  local refusal, left = room_checked('conversation', KEYS[7], KEYS[8], 19, tonumber(cost))
  if refusal then return refusal end
  if left >= 0 and (left_ms < 0 or left < left_ms) then left_ms = left end
end

local refusal = streams_checked('tenant', KEYS[3], tonumber(ARGV[9])) or streams_checked('user', KEYS[4], tonumber(ARGV[12]))
  or checked('tenant', KEYS[1], tonumber(ARGV[7]), tonumber(ARGV[8]))
  or checked('user', KEYS[2], tonumber(ARGV[10]), tonumber(ARGV[11]))
if refusal then return refusal end

local function count(key, requests_max, tokens_max)
  if requests_max == '-1' and tokens_max == '-1' then return end
  if redis.call('HINCRBY', key, 'r' .. bucket, 1) == 1 then
    redis.call('HSETNX', key, 'o', bucket)
    redis.call('PEXPIRE', key, window_ms + 2 * bucket_ms)
  end
  redis.call('HINCRBY', key, 't' .. bucket, tokens)
  redis.call('HINCRBY', key, 'r', 1)
  redis.call('HINCRBY', key, 't', tokens)
end

local function lease(key, streams_max)
  if not is_stream or streams_max == '-1' then return end
  redis.call('ZADD', key, now_ms + lease_ms, id)
  redis.call('PEXPIRE', key, 2 * lease_ms)
end

local function hold(key, under_way, keep_s)
  redis.call('HINCRBY', key, 'calls', 1)
  redis.call('HINCRBY', key, 'held_tokens', tokens)
  redis.call('HINCRBY', key, 'held_picousd', cost)
  redis.call('EXPIRE', key, keep_s)
  redis.call('ZADD', under_way, now_ms + lease_ms, id .. ':' .. tokens .. ':' .. cost)
  redis.call('EXPIRE', under_way, keep_s)
end

count(KEYS[1], ARGV[7], ARGV[8])
count(KEYS[2], ARGV[10], ARGV[11])
lease(KEYS[3], ARGV[9])
lease(KEYS[4], ARGV[12])
if has_turn then hold(KEYS[5], KEYS[6], ARGV[28]) end
if has_conversation then hold(KEYS[7], KEYS[8], ARGV[29]) end
return {1, bucket, downgraded, left_ms}
