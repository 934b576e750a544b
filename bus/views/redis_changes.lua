-- What some writes have changed of some keys, as JSON: [key, row or false, number of the write], for
-- each row that is not as the one before.
-- KEYS: since, the common beginning of all rows, that of their histories. ARGV: the write behind
-- which it begins, the last one, the keys as JSON, and 1 if all of that is remembered: where it is
-- not, nobody knows what stood before the first row that is found.
local since, base, histories = KEYS[1], KEYS[2], KEYS[3]
local after, upto, found = tonumber(ARGV[1]), tonumber(ARGV[2]), {}

for _, key in ipairs(cjson.decode(ARGV[3])) do
  local before = nil
  if ARGV[4] == '1' then
    before = false
  end
  local function stood(from, row)
    if from > after and from <= upto and row ~= before then
      table.insert(found, { key, row, from })
    end
    before = row
  end
  for _, text in ipairs(redis.call('ZRANGE', histories .. key, '(' .. ARGV[1], '+inf', 'BYSCORE')) do
    local was, row = cjson.decode(text), false
    for n = 1, #was[3], 2 do
      row = was[3][n] == 'row' and was[3][n + 1] or row
    end
    stood(was[1], row)
  end
  local from = redis.call('ZSCORE', since, key)
  if from then
    stood(tonumber(from), redis.call('HGET', base .. key, 'row'))
  end
end
return #found > 0 and cjson.encode(found) or '[]'
