-- Puts right what some keys hold, if the view's stamp is still the one that this rests on.
-- KEYS: head, keys, all, seals, repairs, since, the common beginning of all rows, an index for each
--   column. ARGV: stamp, next stamp, the fields of a row, and as JSON: rows as [key, fields and
--   values in turn (none: it must not be there), entries, stray index entries as [column, entry]];
--   the sums that the head must have or false; what is booked a key; the most that are kept.
-- Gives how many were wrong, or -1 where the stamp has changed.
local head, keys, all, seals = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local repairs, since, base = KEYS[5], KEYS[6], KEYS[7]
if redis.call('HGET', head, 'stamp') ~= ARGV[1] then
  return -1
end
local fields = cjson.decode(ARGV[3])
local booked = cjson.decode(ARGV[6])
for _, right in ipairs(cjson.decode(ARGV[4])) do
  local key, values, entries, strays = right[1], right[2], right[3], right[4]
  local row = base .. key
  for _, stray in ipairs(strays) do
    redis.call('ZREM', KEYS[7 + stray[1]], stray[2])
  end
  for column = 1, #KEYS - 7 do
    local entry = redis.pcall('HGET', row, 'by:' .. column)
    if type(entry) == 'string' then
      redis.call('ZREM', KEYS[7 + column], entry)
    end
  end
  redis.call('DEL', row)
  redis.call('ZREM', keys, key)
  redis.call('ZREM', all, key)
  if #values > 0 then
    redis.call('HSET', row, unpack(values))
    redis.call('ZADD', since, 'NX', 0, key)
    redis.call('ZADD', all, 0, key)
    if redis.call('HEXISTS', row, 'row') == 1 then
      redis.call('ZADD', keys, 0, key)
    end
    for column, entry in ipairs(entries) do
      if entry ~= '' then
        redis.call('HSET', row, 'by:' .. column, entry)
        redis.call('ZADD', KEYS[7 + column], 0, entry)
      end
    end
  end
  local seal = seal_of(row, key, fields)
  if seal then
    redis.call('HSET', seals, key, seal)
  else
    redis.call('HDEL', seals, key)
  end
end
for _, text in ipairs(booked) do
  redis.call('LPUSH', repairs, text)
end
redis.call('LTRIM', repairs, 0, tonumber(ARGV[7]) - 1)
local sums = cjson.decode(ARGV[5])
redis.call('HSET', head, 'stamp', ARGV[2])
if sums then
  move_sums(head, sums[1], sums[2])
end
return #booked
