-- Count a call in a sliding window of a minute, if there is room (X41, R11).
-- KEYS: 1 a hash: `used`, `oldest` (a slot), and what was counted in each slot of time
-- ARGV: 1 limit  2 what the call costs
-- Answers {1 counted or 0 refused, what is left, ms until more is}.
-- A call counts until its slot has left the window: never more than the limit in any minute, and let
-- go 0.4 % late at most. Nothing here is worth a place in the append-only file.
local MINUTE_MS, SLOT_MS = 60000, 250
local SLOTS = MINUTE_MS / SLOT_MS
local KEPT_MS = MINUTE_MS + 2 * SLOT_MS
local key, call = KEYS[1], redis.call
local limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.set_repl(redis.REPL_NONE)

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot = math.floor(now / SLOT_MS)
local state = call('HMGET', key, 'used', 'oldest')
local used, oldest = tonumber(state[1] or 0), tonumber(state[2] or slot)
if oldest > slot then -- the server's clock was set back
  call('DEL', key)
  used, oldest = 0, slot
end

if oldest < slot - SLOTS then
  repeat
    local count = call('HGET', key, oldest)
    if count then
      used = used - count
      call('HDEL', key, oldest)
    end
    oldest = oldest + 1
  until oldest == slot - SLOTS
  call('HSET', key, 'used', used, 'oldest', oldest)
end

-- When the first `wanted` of what was counted have left.
local function wait_for(wanted)
  local from = oldest
  while from < slot do
    wanted = wanted - (call('HGET', key, from) or 0)
    if wanted <= 0 then break end
    from = from + 1
  end
  return (from + 1 + SLOTS) * SLOT_MS - now
end

if used + cost > limit then
  return {0, math.max(limit - used, 0), wait_for(used + cost - limit)}
end
call('HINCRBY', key, slot, cost)
call('HSET', key, 'used', used + cost, 'oldest', oldest)
call('PEXPIRE', key, KEPT_MS)
return {1, limit - used - cost, wait_for(1)}
