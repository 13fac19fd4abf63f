"""The development time-stamping authority behind an address of this machine. Never for production.

``python -m gateway.sandbox.tsa_server FOLDER PORT`` serves until Ctrl-C with the keys that ``imsoc keys FOLDER`` made.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.sandbox.pki import Credential
from gateway.sandbox.tsa import TimestampAuthority

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["StampServer", "credential_in", "main", "serve_in_thread", "server_of"]


class StampServer(ThreadingMixIn, WSGIServer):
    """A thread for each query."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """No line per request."""


def server_of(authority: TimestampAuthority, port: int = 0) -> StampServer:
    """Listening on the loopback address; a port of 0 is any free one."""
    server: StampServer = make_server("127.0.0.1", port, authority, server_class=StampServer, handler_class=_Quiet)
    return server


def serve_in_thread(authority: TimestampAuthority) -> StampServer:
    """Served in the background until its ``shutdown``."""
    server = server_of(authority)
    threading.Thread(target=server.serve_forever, name="time-stamping authority", daemon=True).start()
    return server


def credential_in(folder: Path, name: str = "tsa") -> Credential:
    """A key and its certificate with chain, as ``imsoc keys`` writes them.

    Raises:
        OSError: a file is not there.
        ValueError: it is no PEM, or a key that nothing can be signed with.
    """
    key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError(f"{name}.key: not an EC or RSA key")  # noqa: TRY004 - the file is wrong, not its caller
    certificate, *chain = x509.load_pem_x509_certificates((folder / f"{name}.pem").read_bytes())
    return Credential(key, certificate, tuple(chain))


def main(arguments: Sequence[str]) -> int:
    """The program: 0 after Ctrl-C, 2 when the arguments or files cannot be used."""
    try:
        folder, port = arguments
        server = server_of(TimestampAuthority(credential_in(Path(folder))), int(port))
    except (OSError, ValueError) as error:
        print(f"{__doc__}\n{error}", file=sys.stderr)  # noqa: T201 - a program
        return 2
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
