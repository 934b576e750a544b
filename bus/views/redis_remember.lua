-- From now on what a write supersedes is kept; where that is so already, nothing changes.
-- KEYS: head, moments.
local head = KEYS[1]
if redis.call('EXISTS', head) == 0 or redis.call('HEXISTS', head, 'since') == 1 then
  return 0
end
local moment = tonumber(redis.call('HGET', head, 'moment') or '0')
redis.call('HSET', head, 'moment', moment, 'since', moment)
local at, places = {}, redis.call('HGETALL', head)
for n = 1, #places, 2 do
  if string.sub(places[n], 1, 3) == 'at:' then
    at[string.sub(places[n], 4)] = tonumber(string.match(places[n + 1], '^%d+'))
  end
end
local time = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[2], moment, cjson.encode({ number = moment, time = time, positions = at }))
return 1
