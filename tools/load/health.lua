-- GET /health, always the same request.

local shared = require "report"

function init()
  wrk.path = "/health"
  wrk.headers["User-Agent"] = shared.headers["User-Agent"]
end
