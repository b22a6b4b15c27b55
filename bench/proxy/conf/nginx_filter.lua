-- Drops the Set-Cookie fields that the visitor's choice does not allow.
local cjson = require "cjson.safe"

local exact = { sessionid = "necessary", csrftoken = "necessary", _gid = "analytics", _fbp = "marketing" }
local prefixes = { { "_ga", "analytics" }, { "_BEAMER", "marketing" } }
local MOST = 4096
local categories, known = {}, 0
local choices, seen = {}, 0
local nothing = {}

local function category(name)
  local found = categories[name]
  if found then return found end
  found = exact[name]
  if not found then
    for i = 1, #prefixes do
      local prefix = prefixes[i]
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
  if not raw then return nothing end
  local found = choices[raw]
  if found then return found end
  found = cjson.decode(ngx.unescape_uri(raw)) or nothing
  if seen > MOST then choices, seen = {}, 0 end
  choices[raw] = found
  seen = seen + 1
  return found
end

local M = {}

function M.response()
  local fields = ngx.header.set_cookie
  if not fields then return end
  local allowed = choice(ngx.var.cookie_cookies_preferences)
  if type(fields) == "string" then fields = { fields } end
  local kept, n = {}, 0
  for i = 1, #fields do
    local field = fields[i]
    local sign = field:find("=", 1, true) or 1
    local found = category(field:sub(1, sign - 1))
    if found == "necessary" or allowed[found] == true then n = n + 1; kept[n] = field end
  end
  if n ~= #fields then ngx.header.set_cookie = kept end
end

return M
