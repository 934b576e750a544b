-- Which of some keys do not hold what was written, in row, seal or any index.
-- KEYS: head, keys, all, seals, the common beginning of all rows, an index for each column.
-- ARGV: the fields of a row, keys, and entries found in indexes as [column, entry, score, key],
--   as JSON. Gives the keys as JSON.
local keys, all, seals, base = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local fields, wrong = cjson.decode(ARGV[1]), {}

local function placed(index, member)
  return redis.call('ZSCORE', index, member)
end

local function indexed(row, key, there)
  if placed(all, key) ~= (there and '0') then
    return false
  end
  if placed(keys, key) ~= (there and redis.call('HEXISTS', row, 'row') == 1 and '0') then
    return false
  end
  for column = 1, #KEYS - 5 do
    local entry = there and redis.call('HGET', row, 'by:' .. column)
    if entry and placed(KEYS[5 + column], entry) ~= '0' then
      return false
    end
  end
  return true
end

for _, key in ipairs(cjson.decode(ARGV[2])) do
  local row = base .. key
  if not untouched(row, key, fields, seals) then
    table.insert(wrong, key)
  elseif not indexed(row, key, redis.call('HEXISTS', seals, key) == 1) then
    table.insert(wrong, key)
  end
end
for _, found in ipairs(cjson.decode(ARGV[3])) do
  local entry = redis.pcall('HGET', base .. found[4], 'by:' .. found[1])
  -- It may have been true when it was read: what counts is whether it stands there now.
  local score = placed(KEYS[5 + found[1]], found[2])
  if score and (entry ~= found[2] or score ~= '0') then
    table.insert(wrong, found[4])
  end
end
return #wrong == 0 and '[]' or cjson.encode(wrong)
