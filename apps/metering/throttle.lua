-- Spend some of a tenant's throttle, in the very bucket from which track.lua takes (A24, X41).
-- KEYS: 1 throttle  ARGV: 1 throttle per minute  2 cost
-- Answers {1 spent or 0 refused, what is left, ms until more is}.
local WINDOW_US = 60000000
local rpm, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local each = WINDOW_US / rpm
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)

-- Rounded as it is stored: a bucket that is just full is no call short.
local function left(full_at) return math.floor((WINDOW_US - full_at + now) / each + 0.001) end

local after = arrival + cost * each
if after - now > WINDOW_US then
  return {0, math.max(left(arrival), 0), math.ceil((after - now - WINDOW_US) / 1000)}
end
redis.set_repl(redis.REPL_NONE) -- as in track.lua
redis.call('SET', KEYS[1], math.floor(after + 0.5), 'PX', 61000)
-- Calls come back one by one, the last of those that are out first.
local out = math.ceil((after - now) / each - 0.001)
return {1, left(after), math.ceil((after - now - (out - 1) * each) / 1000)}
