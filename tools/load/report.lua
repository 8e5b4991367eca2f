-- What every script of this folder shares: who asks, and the one line of results that the shell reads, after wrk's own
-- output: requests, duration, p50, p99 and longest (all in microseconds), answers of 400 and above, errors below HTTP.

local shared = {}

shared.headers = {
  ["Content-Type"] = "application/json",
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 " ..
    "Safari/537.36",
  ["x-org-key"] = "bench",
}

-- The shared headers and these.
function shared.with(more)
  local headers = {}
  for name, value in pairs(shared.headers) do headers[name] = value end
  for name, value in pairs(more) do headers[name] = value end
  return headers
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("result %d %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), latency.max, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

return shared
