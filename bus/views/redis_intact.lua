-- Whether the seals of all rows sum up to what the head says.
-- KEYS: head, all, seals.
local head, all, seals = KEYS[1], KEYS[2], KEYS[3]
local count = tonumber(redis.call('HGET', head, 'count') or '0')
if redis.call('HLEN', seals) ~= count or redis.call('ZCARD', all) ~= count then
  return 0
end
local total = NONE
for _, seal in ipairs(redis.call('HVALS', seals)) do
  total = xor(total, number_of(seal))
end
return total == (redis.call('HGET', head, 'total') or NONE) and 1 or 0
