-- Writes a batch if the view's stamp is still the one that the writer has read.
-- KEYS: head, keys, all, parked, since, moments, oldest, the common beginning of all rows, that of
--   their histories, an index for each column.
-- ARGV: stamp, next stamp, and as JSON: checkpoints by field, rows as [key, slots as fields
--   and values in turn, row, entries], fields to free, pairs of field and value to park. One
--   text is much quicker to send than thousands. Rows' names are made here: they are in the
--   hash slot of the others.
local head, keys, all, parked = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local since, moments, oldest, base, histories = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
if redis.call('HGET', head, 'stamp') ~= ARGV[1] then
  return 0
end
redis.call('HSET', head, 'stamp', ARGV[2])
for field, place in pairs(cjson.decode(ARGV[3])) do
  redis.call('HSET', head, field, place)
end
local moment = redis.call('HINCRBY', head, 'moment', 1)
local remembers = redis.call('HEXISTS', head, 'since') == 1

local function index(row, column, entry)
  local name, place = 'by:' .. column, KEYS[9 + column]
  local before = redis.call('HGET', row, name)
  if before == entry then
    return
  end
  if before then
    redis.call('ZREM', place, before)
    redis.call('HDEL', row, name)
  end
  if entry ~= '' then
    redis.call('ZADD', place, 0, entry)
    redis.call('HSET', row, name, entry)
  end
end

-- What stands there until now, as [since, until, fields and values in turn].
local function supersede(row, key)
  local before = redis.call('HGETALL', row)
  if #before > 0 then
    local from = tonumber(redis.call('ZSCORE', since, key))
    redis.call('ZADD', histories .. key, moment, cjson.encode({ from, moment, before }))
    redis.call('ZADD', oldest, 'NX', moment, key)
  end
end

for _, change in ipairs(cjson.decode(ARGV[4])) do
  local key, slots, shown = change[1], change[2], change[3]
  local row = base .. key
  if remembers then
    supersede(row, key)
  end
  redis.call('ZADD', since, moment, key)
  redis.call('ZADD', all, 0, key)
  if shown ~= '' then
    redis.call('HSET', row, 'row', shown, unpack(slots))
    redis.call('ZADD', keys, 0, key)
  else
    redis.call('HSET', row, unpack(slots))
    redis.call('HDEL', row, 'row')
    redis.call('ZREM', keys, key)
  end
  for column, entry in ipairs(change[4]) do
    index(row, column, entry)
  end
end
for _, field in ipairs(cjson.decode(ARGV[5])) do
  redis.call('HDEL', parked, field)
end
for _, pair in ipairs(cjson.decode(ARGV[6])) do
  redis.call('HSET', parked, pair[1], pair[2])
end
if remembers then
  local at, places = {}, redis.call('HGETALL', head)
  for n = 1, #places, 2 do
    if string.sub(places[n], 1, 3) == 'at:' then
      at[string.sub(places[n], 4)] = tonumber(string.match(places[n + 1], '^%d+'))
    end
  end
  local time = tonumber(redis.call('TIME')[1])
  redis.call('ZADD', moments, moment, cjson.encode({ number = moment, time = time, positions = at }))
end
return 1
