-- Admit the events of one call, all of one tenant, in one step that nothing can divide (F4, F5, X11, X21).
-- track_one.lua decides the same for a call of one event: what changes here changes there.
-- KEYS: 1 ready  2 stream  3 throttle  4 prefix of the remembered ids  5.. counters
-- ARGV: 1 throttle per minute, 0 for none; then limit ('' for none) and expiry (epoch ms, 0 for never)
--       of each counter; then four for each event:
--       counter (its number, 0 when the event is not billable), amount ('5', '-5', '=5' to set),
--       field under which its id is remembered ('' for an id of ours), row without its last column
-- Answers 0 when counters cannot be trusted, 1 when every event was admitted, else a list with one item
-- for each event: 1 admitted, the row of the first event with that id, or {reason, number}:
-- 2 throttled (ms to wait), 3 limit (current), 4 below zero (current), 5 out of range (current).
local MOST = 9007199254740991 -- the largest integer that Lua's numbers hold exactly
local WINDOW_US = 60000000
local COUNTERS = #KEYS - 4
local FIRST = 2 + 2 * COUNTERS

local state = redis.call('HMGET', KEYS[1], 'epoch', 'generation')
if not state[1] then return 0 end
local remembered = KEYS[4] .. state[2]

-- One question for all ids, to this generation of remembered ids and to the one before.
local fields = {}
for i = FIRST, #ARGV, 4 do
  if ARGV[i + 2] ~= '' then fields[#fields + 1] = ARGV[i + 2] end
end
local known = {}
if #fields > 0 then
  local before = KEYS[4] .. (state[2] - 1)
  for _, key in ipairs({before, remembered}) do
    for n, row in ipairs(redis.call('HMGET', key, unpack(fields))) do
      if row then known[fields[n]] = row end
    end
  end
end

local rpm = tonumber(ARGV[1])
local now, arrival = 0, 0
if rpm > 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
  arrival = math.max(tonumber(redis.call('GET', KEYS[3]) or 0), now)
end

-- A bucket of `rpm` that refills evenly: `arrival` is when it would be full again.
local function throttled()
  local after = arrival + WINDOW_US / rpm
  if after - now > WINDOW_US then return {2, math.ceil((after - now - WINDOW_US) / 1000)} end
  arrival = after
end

local levels, gained, limits, is_new = {}, {}, {}, {}
local function level(counter)
  if not levels[counter] then
    local value = redis.call('GET', KEYS[4 + counter])
    is_new[counter] = not value
    levels[counter] = tonumber(value or 0)
    gained[counter] = 0
    limits[counter] = tonumber(ARGV[2 * counter])
  end
  return levels[counter]
end

-- The change that the event makes, or nil and why it is refused.
local function change(counter, amount)
  local current = level(counter)
  local target
  if string.byte(amount) == 61 then target = tonumber(string.sub(amount, 2))
  else target = current + tonumber(amount) end
  local delta = target - current
  if target < 0 then return nil, {4, current} end
  if target > MOST then return nil, {5, current} end
  if delta > 0 and limits[counter] and target > limits[counter] then return nil, {3, current} end
  levels[counter] = target
  gained[counter] = gained[counter] + delta
  return delta
end

local answers, rows, remember = {}, {}, {}
for i = FIRST, #ARGV, 4 do
  local field = ARGV[i + 2]
  local answer = known[field] or (rpm > 0 and throttled()) or nil
  local delta = 0
  if not answer and ARGV[i] ~= '0' then delta, answer = change(tonumber(ARGV[i]), ARGV[i + 1]) end
  if not answer then
    rows[#rows + 1] = ARGV[i + 3]
    rows[#rows + 1] = struct.pack('>i8', delta)
    if field ~= '' then
      known[field] = ARGV[i + 3]
      remember[#remember + 1] = field
      remember[#remember + 1] = ARGV[i + 3]
    end
  end
  answers[#answers + 1] = answer or 1
end

if rpm > 0 and arrival > now then
  -- Not worth a place in the append-only file: after a restart the bucket is full again, or as full as
  -- that file's last rewrite found it. Counters and limits do not depend on it.
  redis.set_repl(redis.REPL_NONE)
  redis.call('SET', KEYS[3], math.floor(arrival + 0.5), 'PX', 61000)
  redis.set_repl(redis.REPL_ALL)
end
for counter, by in pairs(gained) do
  if by ~= 0 then
    redis.call('INCRBY', KEYS[4 + counter], by)
    local expiry = ARGV[2 * counter + 1]
    if is_new[counter] and expiry ~= '0' then redis.call('PEXPIREAT', KEYS[4 + counter], expiry) end
  end
end
local admitted = #rows / 2
if admitted > 0 then
  redis.call('XADD', KEYS[2], '*', 'e', state[1], 'n', admitted, 'b', table.concat(rows))
end
if #remember > 0 then redis.call('HSET', remembered, unpack(remember)) end
if admitted == #answers then return 1 end
return answers
