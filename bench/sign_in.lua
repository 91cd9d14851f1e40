-- wrk script: sign in without pause, one identifier after another. Run it with as many threads as connections:
-- then each thread has one connection, and its answers can be told apart by status.
-- Arguments: a file with one JSON body per line, and milliseconds to wait after a 503 (0: none).
local ffi = require("ffi")
ffi.cdef([[ typedef struct { long seconds; long nanoseconds; } moment; int clock_gettime(int, moment *); ]])
local moment = ffi.new("moment")
local function now()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.seconds) * 1e3 + tonumber(moment.nanoseconds) / 1e6
end

local requests, position, began, pause, wait = {}, 0, 0, 0, 0
local threads = {}
granted, refused, other, sample = {}, {}, 0, ""

function setup(thread)
  threads[#threads + 1] = thread
  thread:set("number", #threads)
end

function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, line)
  end
  math.randomseed(os.time() + number * 7919)
  position = math.random(#requests)
  wait = tonumber(args[2] or "0")
  if wait > 0 then
    delay = function() return pause end
  end
end

function request()
  position = position % #requests + 1
  began = now()
  return requests[position]
end

function response(status, _, body)
  local took = now() - began
  pause = 0
  if status == 200 then
    granted[#granted + 1] = took
  elseif status == 503 then
    refused[#refused + 1] = took
    pause = wait
  else
    other = other + 1
    sample = status .. " " .. body:sub(1, 160):gsub('[%c"\\]', " ")
  end
end

local function gather(name)
  local all = {}
  for _, thread in ipairs(threads) do
    for _, each in ipairs(thread:get(name)) do all[#all + 1] = each end
  end
  table.sort(all)
  return all
end

local function at(sorted, share)
  if #sorted == 0 then return "null" end
  return string.format("%.3f", sorted[math.min(#sorted, math.floor(#sorted * share) + 1)])
end

function done(summary, _, _)
  local good, full, rest, what, errors = gather("granted"), gather("refused"), 0, "", summary.errors
  for _, thread in ipairs(threads) do
    rest = rest + thread:get("other")
    if thread:get("sample") ~= "" then what = thread:get("sample") end
  end
  local seconds = summary.duration / 1e6
  io.write(string.format(
    'JSON {"rate": %.3f, "p50": %s, "p99": %s, "refused_rate": %.3f, "refused_p50": %s, "refused_p99": %s, ' ..
    '"bad": %d, "sample": "%s"}\n',
    #good / seconds, at(good, 0.5), at(good, 0.99), #full / seconds, at(full, 0.5), at(full, 0.99),
    rest + errors.connect + errors.read + errors.write + errors.timeout, what))
end
