-- GET /search for each line of a file in turn, by the organisation's token. Arguments: a number (not used), the file of
-- questions, percent-encoded, and the token.

local shared = require "report"

local requests = {}
local at = 0

function init(arguments)
  local headers = shared.with({ ["authorization"] = "Bearer " .. arguments[3], ["x-org-key"] = "generated" })
  for line in io.lines(arguments[2]) do
    requests[#requests + 1] = wrk.format("GET", "/search?kind=" .. arguments[4] .. "&q=" .. line, headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
