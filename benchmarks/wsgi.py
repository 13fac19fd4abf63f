"""A WSGI application called directly, as a server would."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.partner import Message

PATH = "/CertificateExchange"


def submit(application: Callable[..., Any], message: Message) -> bytes:
    """Post a message of CertificateExchange and return the answer.

    Raises:
        RuntimeError: the answer is no acknowledgement.
    """
    return post(application, PATH, message.action, message.body, expected=b"SPSAcknowledgement")


def post(application: Callable[..., Any], path: str, action: str, body: bytes, *, expected: bytes) -> bytes:
    """Post a message and return the answer.

    Raises:
        RuntimeError: HTTP status other than 200, or the answer does not have what is expected.
    """
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "CONTENT_TYPE": "text/xml; charset=utf-8",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_SOAPACTION": action,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    said: list[str] = []

    def start_response(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], None]:
        del headers, exc_info
        said.append(status)
        return lambda _: None

    chunks = application(environ, start_response)
    try:
        answer = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    if not said[0].startswith("200") or expected not in answer:
        raise RuntimeError(f"{said[0]}: {answer[:2000].decode(errors='replace')}")
    return answer
