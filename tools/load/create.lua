-- POST /conversations for visitors drawn at random from a fixed set of 100,000. Arguments: a number that decides the
-- draw. The requests are made beforehand, so that drawing one is all that is left to do while the clock runs.

local shared = require "report"

local VISITORS = 100000
local requests = {}
local random = math.random

local function visitor_key()
  return string.format("v_%04x%04x-%04x-4%03x-8%03x-%04x%04x%04x", random(0, 65535), random(0, 65535), random(0, 65535),
    random(0, 4095), random(0, 4095), random(0, 65535), random(0, 65535), random(0, 65535))
end

function init(arguments)
  math.randomseed(20240229)
  for i = 1, VISITORS do
    requests[i] = wrk.format("POST", "/conversations", shared.with({ ["x-visitor-id"] = visitor_key() }), "{}")
  end
  math.randomseed(tonumber(arguments[1]))
end

function request()
  return requests[random(VISITORS)]
end
