-- The slots of many rows as one JSON text: a list a key, false where there is no slot; first of
-- all, the keys of altered rows.
-- KEYS: the common beginning of all rows, seals. ARGV: keys, the fields of the slots, and all
-- fields of a row, as JSON.
local fields, whole, found, altered = cjson.decode(ARGV[2]), cjson.decode(ARGV[3]), {}, {}
for number, key in ipairs(cjson.decode(ARGV[1])) do
  if untouched(KEYS[1] .. key, key, whole, KEYS[2]) then
    found[number] = redis.call('HMGET', KEYS[1] .. key, unpack(fields))
  else
    table.insert(altered, key)
  end
end
if #altered > 0 then
  return { cjson.encode(altered), '[]' }
end
return { '[]', cjson.encode(found) }
