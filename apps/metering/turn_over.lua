-- Begin a new generation of remembered ids, and forget the one before the present (X23).
-- KEYS: 1 ready  2 stream  3 quiet  4 prefix of the remembered ids
-- ARGV: 1 now (epoch ms)  2 how long a generation lasts at least  3 how old an unstored entry may be
local since = redis.call('GET', KEYS[3])
if not since then
  redis.call('SET', KEYS[3], ARGV[1])
  return 0
end
if ARGV[1] - since < tonumber(ARGV[2]) then return 0 end
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if oldest and ARGV[1] - string.match(oldest[1], '^%d+') > tonumber(ARGV[3]) then return 0 end
local generation = redis.call('HGET', KEYS[1], 'generation')
if not generation then return 0 end
redis.call('UNLINK', KEYS[4] .. string.format('%d', generation - 1))
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('SET', KEYS[3], ARGV[1])
return 1
