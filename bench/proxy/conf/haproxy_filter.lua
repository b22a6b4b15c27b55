-- Drops the Set-Cookie fields that the visitor's choice does not allow.
local exact = { sessionid = "necessary", csrftoken = "necessary", _gid = "analytics", _fbp = "marketing" }
local prefixes = { { "_ga", "analytics" }, { "_BEAMER", "marketing" } }
local MOST = 4096
local categories, known = {}, 0
local choices, seen = {}, 0

local function category(name)
  local found = categories[name]
  if found then return found end
  found = exact[name]
  if not found then
    for _, prefix in ipairs(prefixes) do
      if name:sub(1, #prefix[1]) == prefix[1] then found = prefix[2]; break end
    end
  end
  found = found or "necessary"
  if known > MOST then categories, known = {}, 0 end
  categories[name] = found
  known = known + 1
  return found
end

local function choice(raw)
  if not raw then return {} end
  local found = choices[raw]
  if found then return found end
  found = {}
  local text = raw:gsub("%%(%x%x)", function(pair) return string.char(tonumber(pair, 16)) end)
  for key, value in text:gmatch('"([%w_]+)"%s*:%s*(%a+)') do found[key] = (value == "true") end
  if seen > MOST then choices, seen = {}, 0 end
  choices[raw] = found
  seen = seen + 1
  return found
end

core.register_action("filter_cookies", { "http-res" }, function(txn)
  local fields = txn.http:res_get_headers()["set-cookie"]
  if not fields then return end
  local allowed = choice(txn:get_var("txn.choice"))
  local kept, n, i = {}, 0, 0
  while fields[i] do
    local field = fields[i]
    local found = category(field:sub(1, (field:find("=", 1, true) or 1) - 1))
    if found == "necessary" or allowed[found] then n = n + 1; kept[n] = field end
    i = i + 1
  end
  if n ~= i then
    txn.http:res_del_header("set-cookie")
    for j = 1, n do txn.http:res_add_header("set-cookie", kept[j]) end
  end
end, 0)
