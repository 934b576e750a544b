-- What some keys held after a write, as one JSON text: a list of fields a key, false where there is
-- none; a key without any may not have been there. Where nothing is remembered, what they hold now.
-- KEYS: head, since, the common beginning of all rows, that of their histories. ARGV: the write's
-- number, and keys and fields as JSON.
local head, since, base, histories = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local moment, fields, found = tonumber(ARGV[1]), cjson.decode(ARGV[3]), {}
local remembers = redis.call('HEXISTS', head, 'since') == 1

local function now(key)
  return redis.call('HMGET', base .. key, unpack(fields))
end

local function before(key)
  local values, held = {}, {}
  local kept = redis.call('ZRANGE', histories .. key, '(' .. ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, 1)
  local was = kept[1] and cjson.decode(kept[1])
  if was and was[1] <= moment then
    for n = 1, #was[3], 2 do
      held[was[3][n]] = was[3][n + 1]
    end
  end
  for n, field in ipairs(fields) do
    values[n] = held[field] or false
  end
  return values
end

for n, key in ipairs(cjson.decode(ARGV[2])) do
  local written = tonumber(redis.call('ZSCORE', since, key) or '0')
  found[n] = (written > moment and remembers) and before(key) or now(key)
end
return cjson.encode(found)
