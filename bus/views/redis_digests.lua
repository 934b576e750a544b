-- Digests of all that some keys hold that follow each other, in one moment.
-- KEYS: head, all keys, the common beginning of all rows. ARGV: from where to where in the order
-- of keys, the most keys, and the fields of a row as JSON. Gives the head, and key and digest in
-- turn.
local limit, found = tonumber(ARGV[3]), {}
local fields = cjson.decode(ARGV[4])
for number, key in ipairs(redis.call('ZRANGE', KEYS[2], ARGV[1], ARGV[2], 'BYLEX', 'LIMIT', 0, limit)) do
  local values = redis.pcall('HMGET', KEYS[3] .. key, unpack(fields))
  for field = 1, #fields do
    values[field] = values[field] or '\1'
  end
  found[2 * number - 1] = key
  found[2 * number] = redis.sha1hex(table.concat(values, '\2'))
end
return { redis.call('HGETALL', KEYS[1]), found }
