"""Runs the production WSGI server, and settles what the servers leave open (docs/dependencies.md has the measurements).

granian serves by default: it was the fastest. It shows no client certificate to the application and lets a header
``Client_Cert`` overwrite ``Client-Cert``, so where a client certificate matters (``client_ca`` or ``trusted_proxies``
is set) gunicorn serves, which drops names with underscores and gives access to the connection.

The application is built inside each worker by a factory named ``module:callable``, which gets the settings and gives a
WSGI callable; if that has a ``close`` method it is called when the worker stops.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import ssl
import sys
import threading
import time
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import ConfigurationError, GatewayError
from gateway.soap.peer import OWN_CERTIFICATE
from gateway.soap.tls import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.queues import SimpleQueue
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from gateway.config import ServerSettings, Settings

    _Refusal = tuple[type[GatewayError], str, str, str, str, str]

__all__ = ["Engine", "check_address", "check_tls", "engine_for", "serve"]

PARENT_POLL_SECONDS: Final = 0.5
"""How often a granian worker looks whether its parent still lives; granian's own worker would serve on for ever."""
STOP_SECONDS: Final = 20
"""How long requests in progress may take when the server is asked to stop."""
CANNOT_START: Final = 3
"""Exit code of a worker that cannot start; gunicorn then starts no other in its place."""
LARGE_BLOCK: Final = 4 * 2**20
"""Bytes of a block of memory that goes back to the system as soon as it is free (glibc). Left alone, the allocator
raises its own limit to the largest block it has seen, and every thread keeps that much: an envelope of 20 MB leaves a
multiple of itself behind in each."""
_M_MMAP_THRESHOLD: Final = -3
"""Of glibc's ``mallopt``."""
MAX_HEADER: Final = 65_536
"""Bytes of one header; a certificate escaped by nginx takes about three times its size."""


class Engine(StrEnum):
    """The WSGI servers."""

    GRANIAN = "granian"
    GUNICORN = "gunicorn"


def engine_for(server: ServerSettings) -> Engine:
    """The server that meets these settings."""
    return Engine.GUNICORN if server.client_ca is not None or server.trusted_proxies else Engine.GRANIAN


def serve(settings: Settings, *, factory: str = "gateway.app:build_application") -> None:
    """Serve until SIGTERM or SIGINT, then let requests in progress end.

    Args:
        settings: handed to the factory in every worker; ``settings.server`` is read here.
        factory: ``module:callable`` that makes the WSGI application from the settings.

    Raises:
        ConfigurationError: IMG-0101 the factory cannot be found, or the TLS files cannot be used (`check_tls`).
        ConfigurationError: IMG-0115 somebody listens at the address already, or it is not ours to use.
        GatewayError: what the factory raised in a worker: IMG-0110 another process serves this database, say.
    """
    server = settings.server
    check_tls(server)
    _resolve(factory)
    check_address(server.host, server.port)
    with _refusals_of_workers() as refusals:
        build = partial(_build, factory, settings, refusals)
        if engine_for(server) is Engine.GRANIAN:
            _serve_granian(server, build)
        else:
            _serve_gunicorn(server, build)


def _resolve(factory: str) -> Callable[[Settings], WSGIApplication]:
    module, _, name = factory.partition(":")
    try:
        found: Callable[[Settings], WSGIApplication] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError("IMG-0101", where="factory", found=factory, expected="module:callable") from error
    return found


def check_tls(server: ServerSettings) -> None:
    """Load the TLS files as the servers do, which would listen with any and then fail every connection.

    Raises:
        ConfigurationError: IMG-0101 files belong together and one is missing, or one cannot be used.
    """
    if (server.tls_certificate is None) is not (server.tls_key is None):
        raise ConfigurationError("IMG-0101", where="server.tls_certificate, server.tls_key", expected="both or neither")
    if server.client_ca is not None and server.tls_certificate is None:
        raise ConfigurationError("IMG-0101", where="server.client_ca", expected="server.tls_certificate beside it")
    files = (server.tls_certificate, server.tls_key, server.client_ca)
    for name, file in zip(("tls_certificate", "tls_key", "client_ca"), files, strict=True):
        if file is not None:
            _check_readable(f"server.{name}", file)
    if server.tls_certificate is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair, expected = f"{server.tls_certificate}, {server.tls_key}", "a PEM certificate and its own key, not encrypted"
    with _usable("server.tls_certificate, server.tls_key", pair, expected):
        context.load_cert_chain(server.tls_certificate, server.tls_key, password=lambda: "")
    if server.client_ca is not None:
        with _usable("server.client_ca", str(server.client_ca), "PEM certificates of authorities"):
            context.load_verify_locations(server.client_ca)


def _check_readable(where: str, file: Path) -> None:
    try:
        with file.open("rb"):
            return
    except OSError as error:
        found = f"{file}: {error.strerror}"
        raise ConfigurationError("IMG-0101", where=where, found=found, expected="a readable PEM file") from error


@contextmanager
def _usable(where: str, found: str, expected: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        found = f"{found}: {reason_of(error)}"
        raise ConfigurationError("IMG-0101", where=where, found=found, expected=expected) from error


def check_address(host: str, port: int) -> None:
    """Refuse an address in use: granian would share the port, and each request would reach one gateway or the other."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what ended a moment ago is not in the way
            probe.bind(address)
    except OSError as error:
        raise ConfigurationError(
            "IMG-0115", where="server.host, server.port", found=f"{host}:{port}: {error.strerror}"
        ) from error


@contextmanager
def _refusals_of_workers() -> Iterator[SimpleQueue[_Refusal]]:
    """Where workers say why they cannot start; it is raised here, instead of a stack trace and the server's exit."""
    refusals: SimpleQueue[_Refusal] = get_context("spawn").SimpleQueue()
    main = os.getpid()
    try:
        yield refusals
    except SystemExit:
        if os.getpid() != main or refusals.empty():  # gunicorn's workers are forks that leave by this way, too
            raise
    if not refusals.empty():
        kind, code, message, where, found, expected = refusals.get()
        raise kind(code, message, where=where, found=found, expected=expected)


def _build(factory: str, settings: Settings, refusals: SimpleQueue[_Refusal]) -> WSGIApplication:
    """Make the application, and take what is loaded by now out of the garbage collector's sight.

    Modules, schemas and tables live as long as the process; a full collection that looks at them all stops every thread
    for some hundred milliseconds.
    """
    try:
        application = _resolve(factory)(settings)
    except GatewayError as error:
        refusals.put((type(error), error.code, error.message, error.where, error.found, error.expected))
        raise SystemExit(CANNOT_START) from None
    _give_large_blocks_back()
    gc.collect()
    gc.freeze()
    return application


def _give_large_blocks_back() -> None:
    with suppress(OSError, AttributeError):  # another C library, which has its own ways
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)


def _close(application: WSGIApplication) -> None:
    close = getattr(application, "close", None)
    if close is not None:
        close()


def _serve_granian(server: ServerSettings, build: Callable[[], WSGIApplication]) -> None:
    from granian import Granian  # noqa: PLC0415 - only the engine that serves is loaded
    from granian.constants import Interfaces, SSLProtocols  # noqa: PLC0415 - same

    Granian(
        target="imsoc",
        address=server.host,
        port=server.port,
        interface=Interfaces.WSGI,
        workers=server.workers,
        blocking_threads=server.threads,
        websockets=False,
        log_access=False,
        ssl_cert=server.tls_certificate,
        ssl_key=server.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        workers_kill_timeout=STOP_SECONDS,
    ).serve(target_loader=partial(_granian_worker, build, os.getpid()), wrap_loader=False)


def _granian_worker(build: Callable[[], WSGIApplication], parent: int) -> WSGIApplication:
    """What granian calls in each worker to get the application."""
    threading.Thread(target=_follow_parent, args=(parent,), name="follow-parent", daemon=True).start()
    application = build()
    Finalize(None, _close, args=(application,), exitpriority=100)
    return _without_process_environment(application, dict(os.environ))


def _follow_parent(parent: int) -> None:
    """Stop this worker when its parent is gone, first politely."""
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _without_process_environment(application: WSGIApplication, process: dict[str, str]) -> WSGIApplication:
    """Take out what granian mixes into every request from ``os.environ``: secrets, and names that look like headers."""
    leaked = tuple(process.items())

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        for name, value in leaked:
            if environ.get(name) == value:
                del environ[name]
        return application(environ, start_response)

    return wrapped


def _serve_gunicorn(server: ServerSettings, build: Callable[[], WSGIApplication]) -> None:
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415 - only the engine that serves is loaded

    applications: list[WSGIApplication] = []

    def leave(_arbiter: Any, _worker: Any) -> None:
        while applications:  # gunicorn calls this more than once
            _close(applications.pop())

    class Program(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
        def load_config(self) -> None:
            for name, value in _gunicorn_settings(server).items():
                self.cfg.set(name, value)
            self.cfg.set("worker_exit", leave)
            self.cfg.set("when_ready", lambda _arbiter: _announce(server))

        def load(self) -> WSGIApplication:
            application = build()
            applications.append(application)
            return _with_client_certificate(application)

    Program().run()


def _announce(server: ServerSettings) -> None:
    """The line that granian prints; gunicorn's own comes with many others."""
    scheme = "http" if server.tls_certificate is None else "https"
    sys.stdout.write(f"[INFO] Listening at: {scheme}://{_bound(server)}\n")
    sys.stdout.flush()


def _bound(server: ServerSettings) -> str:
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{host}:{server.port}"


def _gunicorn_settings(server: ServerSettings) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "bind": _bound(server),
        "workers": server.workers,
        "worker_class": "gthread",
        "threads": server.threads,
        "graceful_timeout": STOP_SECONDS,
        "loglevel": "warning",
        "limit_request_field_size": MAX_HEADER,
        "header_map": "drop",
        "forwarder_headers": "",
        "forwarded_allow_ips": "",  # who may forward is our own policy's business (gateway.soap.peer)
    }
    if server.tls_certificate is not None:
        settings |= {"certfile": str(server.tls_certificate), "keyfile": str(server.tls_key), "ssl_context": _tls}
    if server.client_ca is not None:
        settings |= {"ca_certs": str(server.client_ca), "cert_reqs": ssl.CERT_OPTIONAL}
    return settings


def _tls(_config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _with_client_certificate(application: WSGIApplication) -> WSGIApplication:
    """Show the certificate of the handshake to the application."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        connection = environ.pop("gunicorn.socket", None)
        if isinstance(connection, ssl.SSLSocket):
            certificate = connection.getpeercert(binary_form=True)
            if certificate is not None:
                environ[OWN_CERTIFICATE] = certificate
        return application(environ, start_response)

    return wrapped
