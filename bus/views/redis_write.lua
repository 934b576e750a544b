-- Writes a batch if the view's stamp is still the one that the writer has read.
-- KEYS: head, keys, all, parked, since, moments, written, oldest, the common beginning of all rows,
--   that of their histories, an index for each column, seals.
-- ARGV: stamp, next stamp, and as JSON: checkpoints by field, rows as [key, slots as fields
--   and values in turn, row, entries], fields to free, pairs of field and value to park, and the
--   fields of a row. Gives 1, 0 where the stamp is another, or the keys of altered rows. One
--   text is much quicker to send than thousands. Rows' names are made here: they are in the
--   hash slot of the others.
local head, keys, all, parked = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local since, moments, written, oldest = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local base, histories = KEYS[9], KEYS[10]
if redis.call('HGET', head, 'stamp') ~= ARGV[1] then
  return 0
end

-- Nothing is written that would rest on rows that somebody else has altered.
local changes, fields, seals = cjson.decode(ARGV[4]), cjson.decode(ARGV[7]), KEYS[#KEYS]
local places, first_index, altered, held, borne = {}, #fields - (#KEYS - 11), {}, {}, {}
for place, field in ipairs(fields) do
  places[field] = place
end
for number, change in ipairs(changes) do
  local key = change[1]
  local seal = redis.call('HGET', seals, key)
  local values = redis.pcall('HMGET', base .. key, unpack(fields))
  local right = values.err and 'altered'
  for place = 1, #fields do
    right = right or values[place] and seal_of_values(values, key, #fields)
  end
  if seal ~= (right or false) then
    table.insert(altered, key)
  end
  held[number], borne[number] = values, seal
end
if #altered > 0 then
  return cjson.encode(altered)
end
if redis.call('HGET', head, 'seal') ~= head_seal(head) then
  return 0
end
local total, count = redis.call('HGET', head, 'total'), tonumber(redis.call('HGET', head, 'count'))

redis.call('HSET', head, 'stamp', ARGV[2])
for field, place in pairs(cjson.decode(ARGV[3])) do
  redis.call('HSET', head, field, place)
end
local moment = redis.call('HINCRBY', head, 'moment', 1)
local remembers = redis.call('HEXISTS', head, 'since') == 1

local function index(row, column, entry, before)
  local name, place = 'by:' .. column, KEYS[10 + column]
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
    local from = tonumber(redis.call('ZSCORE', since, key) or '0')
    redis.call('ZADD', histories .. key, moment, cjson.encode({ from, moment, before }))
    redis.call('ZADD', oldest, 'NX', moment, key)
  end
end

for number, change in ipairs(changes) do
  local values = held[number]
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
    index(row, column, entry, values[first_index + column])
    values[first_index + column] = entry ~= '' and entry
  end
  values[1] = shown ~= '' and shown
  for place = 1, #slots, 2 do
    values[places[slots[place]]] = slots[place + 1]
  end
  local seal = seal_of_values(values, key, #fields)
  redis.call('HSET', seals, key, seal)
  total = xor(xor(total, number_of(borne[number])), seal)
  count = count + (borne[number] and 0 or 1)
end
move_sums(head, total, count)
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
  local touched = {}
  for number, change in ipairs(changes) do
    touched[number] = change[1]
  end
  if #touched > 0 then
    redis.call('ZADD', written, moment, cjson.encode({ moment, touched }))
  end
end
return 1
