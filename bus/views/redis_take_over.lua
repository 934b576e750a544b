-- One build takes over from another, if it is as far in every stream that both follow.
-- KEYS: catalogue, the head of the one, the head of the other. ARGV: the turn that the catalogue
-- was read in, a stamp, and both builds as they shall be, by number, as JSON.
-- Gives 1, 0 while the other is further, or -1 where the catalogue has changed.
local catalogue, ours, theirs = KEYS[1], KEYS[2], KEYS[3]
if (redis.call('HGET', catalogue, 'turn') or '0') ~= ARGV[1] then
  return -1
end
local function position(head, field)
  local place = redis.call('HGET', head, field)
  return place and tonumber(string.match(place, '^%d+'))
end
for _, field in ipairs(redis.call('HKEYS', theirs)) do
  if string.sub(field, 1, 3) == 'at:' then
    local here = position(ours, field)
    if here and here < position(theirs, field) then
      return 0
    end
  end
end
-- Whoever is about to write to it finds that it has moved on, and looks again.
redis.call('HSET', theirs, 'stamp', ARGV[2])
redis.call('HINCRBY', catalogue, 'turn', 1)
for number, build in pairs(cjson.decode(ARGV[3])) do
  redis.call('HSET', catalogue, number, build)
end
return 1
