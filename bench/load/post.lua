-- The same POST again and again. Arguments after "--": file of the body, then "name: value" headers.
-- Where the body has twelve zeros in a row, each POST has another number in their place: one that no
-- earlier run had, since it begins with the seconds of the clock.
local ZEROS = "000000000000"

function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  for position = 2, #args do
    local name, value = args[position]:match("^([^:]+):%s*(.*)$")
    wrk.headers[name] = value
  end
  if wrk.body:find(ZEROS, 1, true) then
    number_requests()
  end
end

function number_requests()
  local template = wrk.format()
  local first, last = template:find(ZEROS, 1, true)
  local before, after = template:sub(1, first - 1), template:sub(last + 1)
  local number = os.time() % 1000000 * 1000000
  request = function()
    number = number + 1
    return before .. string.format("%012d", number) .. after
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "status": %d, "socket": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
