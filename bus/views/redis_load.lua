-- The slots of many rows as one JSON text: a list a key, false where there is no slot.
-- KEYS: the common beginning of all rows. ARGV: keys and fields, both as JSON.
local fields, found = cjson.decode(ARGV[2]), {}
for number, key in ipairs(cjson.decode(ARGV[1])) do
  found[number] = redis.call('HMGET', KEYS[1] .. key, unpack(fields))
end
return cjson.encode(found)
