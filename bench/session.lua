-- wrk script: ask who is signed in, one known cookie after another.
-- Argument: a file with one Cookie header value per line.
local requests, position = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", nil, { Cookie = line, Accept = "application/json" })
  end
  math.randomseed(os.time())
  position = math.random(#requests)
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"rate": %.3f, "p50": %.3f, "p99": %.3f, "bad": %d, "requests": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.requests))
end
