-- GET /conversations/:id by its own visitor. Arguments: a number that decides the draw, and a file of lines
-- "conversation visitor"; with one line the request is always the same.

local shared = require "report"

local requests = {}
local random = math.random

function init(arguments)
  for line in io.lines(arguments[2]) do
    local conversation, visitor = line:match("^(%S+) (%S+)$")
    local headers = shared.with({ ["x-visitor-id"] = visitor })
    requests[#requests + 1] = wrk.format("GET", "/conversations/" .. conversation, headers)
  end
  math.randomseed(tonumber(arguments[1]))
end

function request()
  return requests[random(#requests)]
end
