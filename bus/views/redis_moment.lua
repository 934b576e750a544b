-- The last write that is beyond given positions in no stream, and the first that is remembered;
-- each "" where there is none. Positions never fall, so the place is found by halving.
-- KEYS: moments. ARGV: positions by domain, as JSON.
local wanted = cjson.decode(ARGV[1])
local function at(rank)
  return redis.call('ZRANGE', KEYS[1], rank, rank)[1]
end
local function within(rank)
  for domain, position in pairs(cjson.decode(at(rank)).positions) do
    if position > wanted[domain] then
      return false
    end
  end
  return true
end
local count = redis.call('ZCARD', KEYS[1])
local low, high = 0, count
while low < high do
  local middle = math.floor((low + high) / 2)
  if within(middle) then
    low = middle + 1
  else
    high = middle
  end
end
return { low > 0 and at(low - 1) or '', count > 0 and at(0) or '' }
