-- Changes which builds there are, unless somebody else has meanwhile.
-- KEYS: catalogue, the head of the build that begins, if one does. ARGV: the turn that the
-- catalogue was read in, and as JSON: builds by number (null: it goes), the fields of that head.
local catalogue, head = KEYS[1], KEYS[2]
if (redis.call('HGET', catalogue, 'turn') or '0') ~= ARGV[1] then
  return 0
end
redis.call('HINCRBY', catalogue, 'turn', 1)
for number, build in pairs(cjson.decode(ARGV[2])) do
  if build == cjson.null then
    redis.call('HDEL', catalogue, number)
  else
    redis.call('HSET', catalogue, number, build)
  end
end
for field, value in pairs(cjson.decode(ARGV[3])) do
  redis.call('HSET', head, field, value)
end
return 1
