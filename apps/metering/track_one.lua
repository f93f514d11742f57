-- Admit the one event of a call: what track.lua decides, without its tables and closures, at half its
-- cost (F4). KEYS, ARGV and answers are those of track.lua with one counter and one event:
-- KEYS: 1 ready  2 stream  3 throttle  4 prefix of the remembered ids  5 counter
-- ARGV: 1 throttle per minute  2 limit  3 expiry  4 counter's number, 0 when not billable  5 amount
--       6 field under which the id is remembered  7 row without its last column
-- Every redis.call costs about as much as all the Lua around it, so there are as few as can be.
local MOST = 9007199254740991
local WINDOW_US = 60000000
local KEYS, ARGV, call = KEYS, ARGV, redis.call
local field, row = ARGV[6], ARGV[7]
local rpm, counts = tonumber(ARGV[1]), ARGV[4] ~= '0'

local epoch, generation
if field == '' then
  epoch = call('HGET', KEYS[1], 'epoch')
else
  local state = call('HMGET', KEYS[1], 'epoch', 'generation')
  epoch, generation = state[1], state[2]
end
if not epoch then return 0 end

local full_at, value
if rpm > 0 and counts then
  local found = call('MGET', KEYS[3], KEYS[5])
  full_at, value = found[1], found[2]
elseif rpm > 0 then
  full_at = call('GET', KEYS[3])
elseif counts then
  value = call('GET', KEYS[5])
end

local reason, number -- why it is refused, unless its id is known
local arrival -- when the throttle's bucket would be full again; nil when it has no room
if rpm > 0 then
  local time = call('TIME')
  local now = time[1] * 1000000 + time[2]
  arrival = full_at and tonumber(full_at) or 0
  if arrival < now then arrival = now end
  arrival = arrival + WINDOW_US / rpm
  if arrival - now > WINDOW_US then
    reason, number = 2, math.ceil((arrival - now - WINDOW_US) / 1000)
    arrival = nil
  end
end

local delta = 0
if counts and not reason then
  local current, amount, limit = tonumber(value or 0), ARGV[5], tonumber(ARGV[2])
  delta = tonumber(amount)
  -- '=5' is no number: the gauge is set.
  if not delta then delta = tonumber(string.sub(amount, 2)) - current end
  local target = current + delta
  if target < 0 then reason, number = 4, current
  elseif target > MOST then reason, number = 5, current
  elseif delta > 0 and limit and target > limit then reason, number = 3, current end
end

if field ~= '' then
  local first = call('HGET', KEYS[4] .. (generation - 1), field)
  if not first then
    -- Remembered first of all that is written: what a server refuses for want of memory or disk, it
    -- refuses at a script's first write, and then nothing has happened.
    local remembered = KEYS[4] .. generation
    if reason or call('HSETNX', remembered, field, row) == 0 then
      first = call('HGET', remembered, field)
    end
  end
  if first then return {first} end
end

if arrival then
  -- Whatever the limit says; and kept out of the append-only file, as in track.lua.
  redis.set_repl(redis.REPL_NONE)
  call('SET', KEYS[3], math.floor(arrival + 0.5), 'PX', 61000)
  redis.set_repl(redis.REPL_ALL)
end
if reason then return {{reason, number}} end
if delta ~= 0 then
  call('INCRBY', KEYS[5], delta)
  if not value and ARGV[3] ~= '0' then call('PEXPIREAT', KEYS[5], ARGV[3]) end
end
call('XADD', KEYS[2], '*', 'e', epoch, 'n', 1, 'b', row .. struct.pack('>i8', delta))
return 1
