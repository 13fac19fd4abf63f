"""Sends one prepared envelope when told to, and writes the answer: ``sender.py ADDRESS ENVELOPE ANSWER``."""

import sys
import urllib.request
from pathlib import Path

address, envelope, answer = sys.argv[1:]
request = urllib.request.Request(
    address, Path(envelope).read_bytes(), {"Content-Type": "text/xml; charset=utf-8"}, method="POST"
)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.readline()
with opener.open(request, timeout=60) as reply:
    Path(answer).write_bytes(reply.read())
