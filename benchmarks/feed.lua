-- Feeds wrk with requests made ahead: each is sent once, and the run ends with the last answer.
-- A file of requests: eight digits of length, then the request as it goes over the wire, again and again.
-- Connections for which there is no request left wait.

-- wrk itself sleeps out its duration: the caller interrupts it when it reads that all is answered.

local ffi = require("ffi")
ffi.cdef("struct moment { long seconds; long nanoseconds; }; int clock_gettime(int clock, struct moment *now);")

local function monotonic()
   local now = ffi.new("struct moment")
   ffi.C.clock_gettime(1, now)
   return tonumber(now.seconds) + tonumber(now.nanoseconds) / 1e9
end

local file, total, began
local claimed, answered, refused, probed = 0, 0, 0, false

function init(args)
   file = assert(io.open(args[1], "rb"))
   total = tonumber(args[2])
end

-- Asked before each request; in milliseconds.
function delay()
   claimed = claimed + 1
   return claimed > total and 3600000 or 0
end

function request()
   local length = file:read(8)
   local text = file:read(tonumber(length))
   if not probed then
      -- wrk looks at one request before it begins, and does not send it
      probed = true
      file:seek("set", 0)
      return text
   end
   began = began or monotonic()
   return text
end

function response(status, headers, body)
   answered = answered + 1
   if status ~= 200 or not string.find(body, "SPSAcknowledgement", 1, true) then
      refused = refused + 1
   end
   if answered == total then
      wrk.thread:stop()
      io.stderr:write(string.format(
         '{"answered": %d, "refused": %d, "seconds": %.6f}\n', answered, refused, monotonic() - began))
   end
end

function done(summary, latency)
   io.stderr:write(string.format(
      '{"p50": %.6f, "p99": %.6f, "socket_errors": %d}\n',
      latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
