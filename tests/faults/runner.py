"""A stable of gateways for the fault tests: imports everything once, then forks one gateway per line that it reads.

The same application over a real socket as `imsoc serve`, in a session of its own so that a kill takes the whole group;
only granian is left out, and the two seconds that a start from nothing costs. Commands are JSON lines on standard
input: ``{"start": config, "fault": "name:n", "log": file}`` answers the process id, ``{"wait": pid, "seconds": s}`` its
exit status as ``subprocess`` writes it (null: still running).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import adapters.certificate_exchange
import gateway.app
import gateway.serve
from gateway import faultpoints
from gateway.app import build_application
from gateway.config import Settings
from gateway.logs import set_up_logging
from mappings import load_tables

__all__ = ["main"]

_LOADED = (adapters.certificate_exchange, gateway.app, gateway.serve)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """No line per request."""


def serve(config, fault):
    settings = Settings.load(Path(config), {})
    set_up_logging(settings.logging)
    faultpoints._remaining = faultpoints._armed(fault)
    application = build_application(settings)
    server = make_server(
        settings.server.host, settings.server.port, application, server_class=_Server, handler_class=_Quiet
    )

    def stop(*_):
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)
    application.close()


def start(command):
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    try:
        serve(command["start"], command["fault"])
    except BaseException as error:  # noqa: BLE001 - the log is all that the test can read
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def wait(pid, seconds):
    end = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(0.005)


def main():
    load_tables(None)  # warms the caches that the forks share
    for line in sys.stdin:
        command = json.loads(line)
        answer = start(command) if "start" in command else wait(command["wait"], command["seconds"])
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
