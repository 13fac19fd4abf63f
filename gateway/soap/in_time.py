"""HTTP connections that know when the head of a reply is late, and whether TLS failed before anything was sent."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from gateway.soap.tls import HandshakeFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from urllib3.response import HTTPResponse

__all__ = ["InTime"]


@contextmanager
def _until(connection: HTTPConnection) -> Iterator[None]:
    """End the connection when the head of a reply is not there in time.

    A socket's timeout is between two bytes: without this, a byte a second holds a thread for ever.

    Raises:
        TimeoutError: it was not.
    """
    sock, seconds = connection.sock, connection.timeout
    assert isinstance(seconds, float | int), "who calls out says how long it waits"
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):  # not the method of a TLS socket, which would pull the layer from under its reader
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if late.is_set():
            raise TimeoutError("the head of a reply that does not end")


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        with _until(self):
            return super().getresponse()


class _TlsConnection(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            raise HandshakeFailed(*error.args) from error

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        with _until(self):
            return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class InTime(HTTPAdapter):
    """What requests does, over connections that know when the head of a reply is late."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """As requests does, with our connections in the pools."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
