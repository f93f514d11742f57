-- Let go of the entries that Postgres holds, and give back what some of them had counted twice.
-- KEYS: 1 ready  2 stream  3 finished  4.. counters
-- ARGV: 1 epoch  2 position (epoch:ms:seq, padded, so that text compares as time)  3 first id to keep
--       4.. what each counter owes
-- Nothing happens for entries of an epoch that is over: the stream of today is another one.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and epoch ~= ARGV[1] then return 0 end
-- Corrections are made once, whoever comes with them; without trusted counters there are none to make.
if epoch and #KEYS > 3 and (redis.call('GET', KEYS[3]) or '') < ARGV[2] then
  for i = 4, #KEYS do redis.call('DECRBY', KEYS[i], ARGV[i]) end
  redis.call('SET', KEYS[3], ARGV[2])
end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[3])
return 1
