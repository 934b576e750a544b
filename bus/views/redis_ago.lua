-- The last write that is older than some seconds; else the first that is remembered, or, where none
-- is, the last of all. The times of writes are whole seconds, rounded down.
-- KEYS: head, moments. ARGV: the seconds.
local moments, now = KEYS[2], redis.call('TIME')
local before = tonumber(now[1]) - tonumber(ARGV[1]) - 1
local function at(rank)
  return cjson.decode(redis.call('ZRANGE', moments, rank, rank)[1])
end
local count = redis.call('ZCARD', moments)
if count == 0 then
  return tonumber(redis.call('HGET', KEYS[1], 'moment') or '0')
end
local low, high = 0, count
while low < high do
  local middle = math.floor((low + high) / 2)
  if at(middle).time < before then
    low = middle + 1
  else
    high = middle
  end
end
return at(math.max(low - 1, 0)).number
