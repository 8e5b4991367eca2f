-- POST /conversations/:id/messages, each by the conversation's own visitor and with a fresh clientId. Arguments: a
-- number that makes this run's clientIds its own and decides the draw, and a file of lines "conversation visitor".
-- All but the clientId is made beforehand; it has two parts of fixed width, so that a request is one concatenation.

local shared = require "report"

local TEXT = "Hello, I ordered the blue one on Tuesday (number 48213). When will it get here, please?"
local SPREAD = 4096
local heads, lows = {}, {}
local tail = '"}'
local high, low, block, run = "", SPREAD, 0, 0
local random = math.random

local function head_of(conversation, visitor)
  local client_id = string.format("%08x-%08x-%03x", 0, 0, 0)
  local body = string.format('{"role":"user","content":"%s","clientId":"%s"}', TEXT, client_id)
  local path = "/conversations/" .. conversation .. "/messages"
  local whole = wrk.format("POST", path, shared.with({ ["x-visitor-id"] = visitor }), body)
  return whole:sub(1, #whole - #client_id - #tail)
end

function init(arguments)
  run = tonumber(arguments[1])
  for line in io.lines(arguments[2]) do
    local conversation, visitor = line:match("^(%S+) (%S+)$")
    heads[#heads + 1] = head_of(conversation, visitor)
  end
  for i = 1, SPREAD do lows[i] = string.format("%03x", i - 1) end
  math.randomseed(run)
end

function request()
  if low == SPREAD then
    low, block = 0, block + 1
    high = string.format("%08x-%08x-", run % 4294967296, block)
  end
  low = low + 1
  return heads[random(#heads)] .. high .. lows[low] .. tail
end
