-- The keys that some writes have touched as the first behind another, by the write's number.
-- KEYS: written, the common beginning of all histories. ARGV: the write before all, the first to
-- look at, the last, and after how many keys to leave the rest to another call. Gives, as JSON, the
-- first write that is left, and the keys.
local written, histories = KEYS[1], KEYS[2]
local after, rest, upto, most = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local found, looked = {}, 0
while looked < most do
  local text = redis.call('ZRANGE', written, rest, ARGV[3], 'BYSCORE', 'LIMIT', 0, 1)[1]
  if not text then
    rest = upto + 1
    break
  end
  local write = cjson.decode(text)
  local number, keys = write[1], {}
  for _, key in ipairs(write[2]) do
    local kept = redis.call('ZRANGE', histories .. key, number, number, 'BYSCORE')[1]
    -- What this write superseded had stood since then; what was new had not stood at all.
    local since = kept and tonumber(string.match(kept, '^%[(%d+)')) or 0
    if since <= after then
      table.insert(keys, key)
    end
  end
  if #keys > 0 then
    found[tostring(number)] = keys
  end
  looked, rest = looked + #write[2], number + 1
end
return '[' .. rest .. ',' .. (next(found) and cjson.encode(found) or '{}') .. ']'
