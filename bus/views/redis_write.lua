-- Writes a batch if the view's stamp is still the one that the writer has read.
-- KEYS: head, keys, parked, an index for each column, then a hash for each row.
-- ARGV: stamp, next stamp, domain, place, number of columns, of rows, of freed, of parked;
--   for each row its key, slot, row and index entries; fields to free; fields and values to park.
local head, keys, parked = KEYS[1], KEYS[2], KEYS[3]
if redis.call('HGET', head, 'stamp') ~= ARGV[1] then
  return 0
end
redis.call('HSET', head, 'stamp', ARGV[2])
if ARGV[4] ~= '' then
  redis.call('HSET', head, 'at:' .. ARGV[3], ARGV[4])
end
local columns, rows = tonumber(ARGV[5]), tonumber(ARGV[6])
local at = 9

local function index(row, column, entry)
  local name, place = 'by:' .. column, KEYS[3 + column]
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

for number = 1, rows do
  local row, key = KEYS[3 + columns + number], ARGV[at]
  redis.call('HSET', row, 'slot:' .. ARGV[3], ARGV[at + 1])
  if ARGV[at + 2] ~= '' then
    redis.call('HSET', row, 'row', ARGV[at + 2])
    redis.call('ZADD', keys, 0, key)
  else
    redis.call('HDEL', row, 'row')
    redis.call('ZREM', keys, key)
  end
  for column = 1, columns do
    index(row, column, ARGV[at + 2 + column])
  end
  at = at + 3 + columns
end
for _ = 1, tonumber(ARGV[7]) do
  redis.call('HDEL', parked, ARGV[at])
  at = at + 1
end
for _ = 1, tonumber(ARGV[8]) do
  redis.call('HSET', parked, ARGV[at], ARGV[at + 1])
  at = at + 2
end
return 1
