-- Forgets what had been superseded before a time; the last write before it stays, as it is how the
-- rows were then. Gives how many keys it has gone through, as many as allowed where there are more.
-- KEYS: moments, written, oldest, the common beginning of all histories. ARGV: the time in seconds,
-- and the most keys.
local moments, written, oldest, histories = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local low, high = 0, redis.call('ZCARD', moments)
while low < high do
  local middle = math.floor((low + high) / 2)
  if cjson.decode(redis.call('ZRANGE', moments, middle, middle)[1]).time < tonumber(ARGV[1]) then
    low = middle + 1
  else
    high = middle
  end
end
if low == 0 then
  return 0
end
local last = redis.call('ZRANGE', moments, low - 1, low - 1, 'WITHSCORES')[2]
redis.call('ZREMRANGEBYSCORE', moments, '-inf', '(' .. last)
redis.call('ZREMRANGEBYSCORE', written, '-inf', '(' .. last)
local keys = redis.call('ZRANGE', oldest, '-inf', last, 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[2]))
for _, key in ipairs(keys) do
  redis.call('ZREMRANGEBYSCORE', histories .. key, '-inf', last)
  local next = redis.call('ZRANGE', histories .. key, 0, 0, 'WITHSCORES')
  if next[1] then
    redis.call('ZADD', oldest, next[2], key)
  else
    redis.call('ZREM', oldest, key)
  end
end
return #keys
