"""The read API of customs: the questions of CustomsLookup for systems without SOAP (GET, JSON, RFC 9457).

The way of a request: method and address -> what it accepts -> who it is -> grant -> question -> answer. What is refused
before it is known who asks is told and forgotten; all else leaves exactly one trace. Nothing is ever cached, and no
page of another origin is let in.

The number that is asked for is the rest of the address, so that a certificate ``AR/2026/17`` may be written with its
slashes: servers hand the path over with its percent signs resolved.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from gateway.access import check_operation
from gateway.endpoints.customs_problems import problem_of, status_of
from gateway.endpoints.customs_writing import as_json
from gateway.errors import CustomsRefused, GatewayError, Unavailable
from gateway.exchange import refusals_recorded
from gateway.single_window.access import customs_actor
from gateway.single_window.lookup_models import (
    DEFAULT_LIMIT,
    ByCertificate,
    ByDeclaration,
    ByDocument,
    ByReference,
    Window,
)
from gateway.single_window.lookups import CONTRACT
from gateway.soap.peer import ProxyPolicy, peer_of
from gateway.store import DeclarationType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from wsgiref.types import StartResponse, WSGIEnvironment

    from gateway.exchange import Admission, Context
    from gateway.single_window.lookup_models import Question
    from gateway.single_window.lookups import Lookups
    from gateway.soap import TransportPeer

__all__ = ["OPENAPI", "PREFIX", "CustomsRest", "RestCall", "no_lookups"]

PREFIX: Final = "/customs/v1/"
"""Of every address of the API."""
OPENAPI: Final = f"{PREFIX}openapi.json"
"""The description of the API, for anybody."""

MAX_ADDRESS: Final = 1_000
"""Bytes of a path, and of a query."""
MAX_AUTHORIZATION: Final = 1_000
"""Characters of a name and secret as base64."""

_METHODS: Final = ("GET", "HEAD")
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"
_ACCEPTED: Final = frozenset({"*/*", "application/*", _JSON, _PROBLEM})
_QUERIES: Final = {
    "GetChed": frozenset[str](),
    "FindByCustomsDocument": frozenset({"limit", "offset"}),
    "FindByCertificate": frozenset({"country", "type", "limit", "offset"}),
    "FindByDeclaration": frozenset({"limit", "offset"}),
}
"""What may stand behind the question mark, by operation."""
_WHOLE: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_CODING: Final = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_ZERO: Final = re.compile(r"q=0(?:\.0{0,3})?")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestCall:
    """A question as its trace has it."""

    contract: str
    operation: str
    raw: bytes
    """Method and address, without headers."""
    received_at: datetime
    peer: TransportPeer


@dataclass(frozen=True, slots=True)
class _Address:
    """What a path asks for."""

    operation: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    content_type: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()


class _HttpRefused(CustomsRefused):
    """Refused for what HTTP has a status of its own for."""

    def __init__(self, status: HTTPStatus, code: str, *, where: str, found: str, expected: str) -> None:
        super().__init__(code, where=where, found=found, expected=expected)
        self.status = status


class CustomsRest:
    """A WSGI application for the addresses below ``PREFIX``.

    Args:
        context: the services.
        admission: who admits.
        lookups: who answers.
        proxies: the reverse proxies whose headers are believed.
        on_fault: told about every refusal before it is sent, with the call as far as it was read.
    """

    def __init__(
        self,
        context: Context,
        admission: Admission,
        lookups: Lookups,
        *,
        proxies: ProxyPolicy = ProxyPolicy(),  # noqa: B008 - frozen
        on_fault: Callable[[GatewayError, RestCall | None], None] | None = None,
    ) -> None:
        self._context = context
        self._admission = admission
        self._lookups = lookups
        self._proxies = proxies
        self._on_fault = on_fault

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        reply = self._reply(environ)
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *reply.headers,
        ]
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [reply.body]

    def _reply(self, environ: Mapping[str, Any]) -> _Reply:
        calls: list[RestCall] = []
        try:
            return self._answer(environ, calls)
        except GatewayError as error:
            return self._refused(error, calls)
        except Exception as error:  # noqa: BLE001 - every failure becomes an answer; none may end the worker
            # the text of the exception may quote the question, so only its kind is logged
            _log.error("unexpected %s in a lookup of customs", type(error).__qualname__)
            return self._refused(Unavailable("IMG-9002"), calls)

    def _answer(self, environ: Mapping[str, Any], calls: list[RestCall]) -> _Reply:
        path = _path(environ)
        _check_method(environ)
        if path == OPENAPI:
            return _Reply(HTTPStatus.OK, _description())
        _check_accept(str(environ.get("HTTP_ACCEPT", "")))
        address = _address(path)
        peer = peer_of(environ, self._proxies)
        principal = self._admission.admit_basic(peer, _account(str(environ.get("HTTP_AUTHORIZATION", ""))))
        call = RestCall(CONTRACT, address.operation, _asked(environ), self._context.clock(), peer)
        calls.append(call)
        with refusals_recorded(self._context, principal, call):
            check_operation(principal.partner, CONTRACT, address.operation)
            actor = customs_actor(principal)
            question, window = _question(address, _query(address, str(environ.get("QUERY_STRING", ""))))
            found = self._lookups.answer(actor, question, window, call)
            return _Reply(HTTPStatus.OK, _written(as_json(found)))

    def _refused(self, error: GatewayError, calls: list[RestCall]) -> _Reply:
        if self._on_fault is not None:
            try:
                self._on_fault(error, calls[0] if calls else None)
            except Exception as failure:  # noqa: BLE001 - a failing hook must not cost the caller its answer
                _log.error("fault hook: %s", type(failure).__qualname__)
        status = error.status if isinstance(error, _HttpRefused) else status_of(error)
        problem, headers = problem_of(error, status)
        return _Reply(status, _written(problem), _PROBLEM, headers)


def no_lookups(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer any address of the API where no CHEDs stand: IMG-7423, in its own form and not as a fault of SOAP."""
    expected = "an instance that keeps CHEDs: behind a national gateway that is TRACES"
    error = CustomsRefused("IMG-7423", where="path", found=str(environ.get("PATH_INFO", ""))[:100], expected=expected)
    body = _written(problem_of(error, HTTPStatus.NOT_FOUND)[0])
    headers = [("Content-Type", _PROBLEM), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    start_response("404 Not Found", headers)
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@cache
def _description() -> bytes:
    return resources.files("gateway.endpoints").joinpath("customs_openapi.json").read_bytes()


# Reading a request.


def _asked(environ: Mapping[str, Any]) -> bytes:
    query = str(environ.get("QUERY_STRING", ""))
    line = f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}{'?' if query else ''}{query}"
    return line.encode("latin-1", "replace")


def _path(environ: Mapping[str, Any]) -> str:
    """The path as text.

    Raises:
        CustomsRefused: IMG-7422, too long (as the query is), or not UTF-8.
    """
    raw = str(environ.get("PATH_INFO", "")).encode("latin-1", "replace")
    for part, length in (("path", len(raw)), ("query", len(str(environ.get("QUERY_STRING", ""))))):
        if length > MAX_ADDRESS:
            raise _HttpRefused(
                HTTPStatus.REQUEST_URI_TOO_LONG,
                "IMG-7422",
                where="address",
                found=f"{length} bytes of {part}",
                expected=f"at most {MAX_ADDRESS} bytes of path, and of query",
            )
    return _text(raw, "path")


def _text(raw: bytes, where: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CustomsRefused("IMG-7422", where=where, found="other bytes", expected="UTF-8") from error


def _check_method(environ: Mapping[str, Any]) -> None:
    method = str(environ.get("REQUEST_METHOD", ""))
    if method not in _METHODS:
        expected = ", ".join(_METHODS)
        raise _HttpRefused(
            HTTPStatus.METHOD_NOT_ALLOWED, "IMG-7423", where="HTTP method", found=method[:20], expected=expected
        )


def _check_accept(header: str) -> None:
    """Refuse who takes no JSON."""
    offered = [part.split(";") for part in header.lower().split(",") if part.strip()]
    taken = [names[0].strip() for names in offered if not any(_ZERO.fullmatch(each.strip()) for each in names[1:])]
    if offered and _ACCEPTED.isdisjoint(taken):
        raise _HttpRefused(HTTPStatus.NOT_ACCEPTABLE, "IMG-7422", where="Accept", found=header[:100], expected=_JSON)


def _address(path: str) -> _Address:
    """What is asked for; of several steps the last is the rest of the path.

    Raises:
        CustomsRefused: IMG-7423, there is nothing; IMG-7422, steps that a proxy may take away.
    """
    steps = path.removeprefix(PREFIX).split("/")
    found = _STEPS.get(steps[0])
    if not path.startswith(PREFIX) or found is None or len(steps) <= found[1]:
        expected = ", ".join(f"{PREFIX}{name}/…" for name in _STEPS)
        raise CustomsRefused("IMG-7423", where="path", found=path, expected=expected)
    if "%" in path or not {"", ".", ".."}.isdisjoint(steps):
        expected = "steps that are neither empty nor dots, percent-encoded once"
        raise CustomsRefused("IMG-7422", where="path", found=path, expected=expected)
    operation, count = found
    return _Address(operation, (*steps[1:count], "/".join(steps[count:])))


_STEPS: Final = {
    "cheds": ("GetChed", 1),
    "documents": ("FindByCustomsDocument", 2),
    "certificates": ("FindByCertificate", 1),
    "declarations": ("FindByDeclaration", 2),
}
"""By the first step: the operation and how many steps follow."""


def _query(address: _Address, text: str) -> dict[str, str]:
    """What stands behind the question mark, each at most once.

    Raises:
        CustomsRefused: IMG-7422.
    """
    known = _QUERIES[address.operation]
    found: dict[str, str] = {}
    for part in text.split("&") if text else ():
        name, equals, value = part.partition("=")
        if name not in known or not equals or name in found:
            expected = f"{', '.join(sorted(known))}, each once" if known else "no query"
            raise CustomsRefused("IMG-7422", where="query", found=name[:40], expected=expected)
        if not _CODING.fullmatch(value) or not value.isascii():
            raise CustomsRefused("IMG-7422", where=name, found=value, expected="percent-encoded UTF-8")
        found[name] = _text(unquote_to_bytes(value), name)
    return found


def _question(address: _Address, query: Mapping[str, str]) -> tuple[Question, Window]:
    """The question of an address.

    Raises:
        CustomsRefused: IMG-7422.
    """
    window = Window(_number(query, "limit", DEFAULT_LIMIT), _number(query, "offset", 0))
    parts = address.parts
    match address.operation:
        case "GetChed":
            return ByReference(parts[0]), window
        case "FindByCustomsDocument":
            return ByDocument(*parts), window
        case "FindByCertificate":
            return ByCertificate(parts[0], query.get("country", ""), query.get("type", "")), window
        case _:
            return ByDeclaration(_declaration_type(parts[0]), parts[1]), window


def _declaration_type(text: str) -> DeclarationType:
    try:
        return DeclarationType(text)
    except ValueError as error:
        raise CustomsRefused("IMG-7422", where="type", found=text, expected=" or ".join(DeclarationType)) from error


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text):
        raise CustomsRefused("IMG-7422", where=name, found=text, expected="a whole number")
    return int(text)


def _account(header: str) -> tuple[str, str] | None:
    """Name and secret of an Authorization header; None when it has none that can be read (RFC 7617)."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(value) > MAX_AUTHORIZATION:
        return None
    try:
        name, colon, secret = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, secret) if colon else None
