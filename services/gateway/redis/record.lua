-- Appends one attempt to the ledger and adds it to the sums of its day, its tenant's day and month, in one step.
-- The second record of one attempt changes nothing.
--
-- KEYS  1 ledger (stream)  2 sums of the day (hash)  3 tenant's day  4 tenant's month  5 budget events (stream)
--       6 attempts of the minute  7 tenants (set)
-- ARGV  1 attempt id  2 record (JSON)  3 group of the sums  4 prompt tokens  5 completion tokens  6 cached tokens
--       7 picousd  8 records the stream keeps  9 s the day's sums are kept  10 s an attempt is remembered
--       11 tenant  12 day  13 day's limit picousd (-1: none)  14 month  15 month's limit  16 events the stream keeps
--       17 the group of what is too many groups
-- Gives {recorded (1, 0), then for each mark that was passed: period, percent, spent picousd}.
if redis.call('HSETNX', KEYS[6], ARGV[1], 1) == 0 then return {0} end
redis.call('EXPIRE', KEYS[6], ARGV[10])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[8], '*', 'r', ARGV[2])
local group = ARGV[3]
if redis.call('HEXISTS', KEYS[2], group .. 'calls') == 0 then
  local fields = redis.call('HLEN', KEYS[2])
  if fields == 0 then redis.call('SADD', KEYS[7], ARGV[11]) end
  if fields >= 50000 then group = ARGV[17] end
end
if redis.call('HINCRBY', KEYS[2], group .. 'calls', 1) == 1 then redis.call('EXPIRE', KEYS[2], ARGV[9]) end
for n, name in ipairs({'prompt', 'completion', 'cached', 'picousd'}) do
  if ARGV[3 + n] ~= '0' then redis.call('HINCRBY', KEYS[2], group .. name, ARGV[3 + n]) end
end
local told = {1}
if ARGV[7] == '0' then return told end

local function passed(key, keep_s, period, limit)
  redis.call('HINCRBY', key, 'picousd', ARGV[7])
  redis.call('EXPIRE', key, keep_s)
  if limit == '-1' then return end
  local spent = redis.call('HGET', key, 'picousd')
  for _, percent in ipairs({50, 80, 100}) do
    -- A limit that is changed is a new budget, with events of its own.
    if tonumber(spent) * 100 >= tonumber(limit) * percent
      and redis.call('HSETNX', key, 'event:' .. percent .. ':' .. limit, 1) == 1 then
      redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[16], '*', 'tenant', ARGV[11], 'period', period, 'percent', percent,
        'spent_picousd', spent, 'limit_picousd', limit)
      told[#told + 1] = period
      told[#told + 1] = percent
      told[#told + 1] = spent
    end
  end
end

passed(KEYS[3], 2 * 86400, ARGV[12], ARGV[13])
passed(KEYS[4], 35 * 86400, ARGV[14], ARGV[15])
return told
