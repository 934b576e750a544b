-- Where a view is; begins it where there is nothing of it.
-- KEYS: catalogue, head. ARGV: version, shape, stamp, whether a new version may begin, domains.
-- Gives the shape it was begun with, the version that is built, and the head; nothing where
-- another version has taken this one's place.
local catalogue, head = KEYS[1], KEYS[2]
local version = ARGV[1]
if redis.call('HEXISTS', catalogue, 'v' .. version) == 0 then
  if redis.call('EXISTS', catalogue) == 1 and ARGV[4] == '0' then
    return false
  end
  redis.call('HSET', catalogue, 'v' .. version, ARGV[2])
  redis.call('HSETNX', catalogue, 'built', version)
end
if redis.call('EXISTS', head) == 0 then
  redis.call('HSET', head, 'stamp', ARGV[3])
  for number = 5, #ARGV do
    redis.call('HSET', head, 'at:' .. ARGV[number], '0 ')
  end
end
local shape = redis.call('HGET', catalogue, 'v' .. version)
return { shape, redis.call('HGET', catalogue, 'built'), redis.call('HGETALL', head) }
