-- What lua.sh records. The same work every time: a generator of its own, no math.random.
local state = 20261123
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % n + 1
end

local syllables = {"ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe"}
local function word()
  local parts = {}
  for i = 1, random(5) do parts[i] = syllables[random(#syllables)] end
  return table.concat(parts)
end

-- A trie of words with a list of places in each leaf; then half of its branches are cut off.
local function insert(trie, text, place)
  for letter in text:gmatch(".") do
    trie[letter] = trie[letter] or {}
    trie = trie[letter]
  end
  trie.places = trie.places or {}
  trie.places[#trie.places + 1] = place
end

local function count(trie)
  local n = trie.places and #trie.places or 0
  for letter, below in pairs(trie) do
    if letter ~= "places" then n = n + count(below) end
  end
  return n
end

local function prune(trie, depth)
  for code = string.byte("a"), string.byte("z") do  -- pairs() has another order each time
    local letter = string.char(code)
    local below = trie[letter]
    if below and depth > 1 and random(2) == 1 then
      trie[letter] = nil
    elseif below then
      prune(below, depth + 1)
    end
  end
end

local trie = {}
for place = 1, 20000 do insert(trie, word(), place) end
local before = count(trie)
prune(trie, 0)
print("trie", before, count(trie))

-- A simulation: events in a binary heap, each a closure that may plan others.
local heap = {}
local function plan(time, act)
  local i = #heap + 1
  heap[i] = {time = time, act = act}
  while i > 1 and heap[i // 2].time > heap[i].time do
    heap[i], heap[i // 2] = heap[i // 2], heap[i]
    i = i // 2
  end
end

local function next_event()
  local first, i = heap[1], 1
  heap[1] = heap[#heap]
  heap[#heap] = nil
  while true do
    local least = i
    for child = 2 * i, 2 * i + 1 do
      if heap[child] and heap[child].time < heap[least].time then least = child end
    end
    if least == i then return first end
    heap[i], heap[least] = heap[least], heap[i]
    i = least
  end
end

local log, handled = {}, 0
local function customer(name)
  return function(time)
    log[#log + 1] = string.format("%08d %s %s", time, name, word())
    if random(10) > 1 then plan(time + random(500), customer(name .. random(9))) end
    if #log > 400 then
      local text = table.concat(log, "\n")
      log = {text:sub(1, 100), text:upper():sub(-100)}
    end
  end
end
for i = 1, 2000 do plan(random(500), customer("c" .. i)) end
while #heap > 0 and handled < 60000 do
  local event = next_event()
  event.act(event.time)
  handled = handled + 1
end
print("events", handled, #log)

-- Substitution over a text, line by line.
local lines = {}
for i = 1, 6000 do
  local words = {}
  for j = 1, random(12) do words[j] = word() end
  lines[i] = table.concat(words, " ")
end
local seen = {}
for i, line in ipairs(lines) do
  lines[i] = line:gsub("%a+", function(w)
    seen[w] = (seen[w] or 0) + 1
    return seen[w] % 3 == 0 and w:reverse() .. seen[w] or nil
  end)
end
print("text", #table.concat(lines, "\n"))
