-- Seals in Redis; stands before the scripts that need it. See `bus/views/proof.py`.
-- A row's seal is the beginning of a hash over its key and all its fields; the seals of a build
-- stand in one hash by key, and its head holds their XOR, their count and a seal of its own.
local NONE = '0000000000000000'

-- Of a row's values in the order of its fields, false where there is none.
local function seal_of_values(values, key, count)
  local texts = {}
  for number = 1, count do
    texts[number] = values[number] or '\1'
  end
  return string.sub(redis.sha1hex(key .. '\2' .. table.concat(texts, '\2')), 1, 16)
end

local function seal_of(row, key, fields)
  local values = redis.pcall('HMGET', row, unpack(fields))
  if values.err then
    return 'altered'
  end
  local there = 0
  for number = 1, #fields do
    there = there + (values[number] and 1 or 0)
  end
  if there == 0 and redis.call('EXISTS', row) == 0 then
    return nil
  end
  if redis.call('HLEN', row) ~= there then
    return 'altered'
  end
  return seal_of_values(values, key, #fields)
end

-- Whether a row is what its seal says, or both are missing.
local function untouched(row, key, fields, seals)
  return (seal_of(row, key, fields) or false) == redis.call('HGET', seals, key)
end

local function xor(one, other)
  local high = bit.bxor(tonumber(string.sub(one, 1, 8), 16), tonumber(string.sub(other, 1, 8), 16))
  local low = bit.bxor(tonumber(string.sub(one, 9), 16), tonumber(string.sub(other, 9), 16))
  return bit.tohex(high) .. bit.tohex(low)
end

-- A seal as XOR can take it: one that somebody has put there need not be a number.
local function number_of(seal)
  return seal and string.match(seal, '^%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x$') or NONE
end

local function head_seal(head)
  local flat, found = redis.call('HGETALL', head), {}
  for number = 1, #flat, 2 do
    local field = flat[number]
    if field == 'total' or field == 'count' or string.sub(field, 1, 3) == 'at:' then
      table.insert(found, field .. '\1' .. flat[number + 1])
    end
  end
  table.sort(found)
  return redis.sha1hex(table.concat(found, '\2'))
end

local function move_sums(head, total, count)
  redis.call('HSET', head, 'total', total, 'count', string.format('%d', count))
  redis.call('HSET', head, 'seal', head_seal(head))
end
