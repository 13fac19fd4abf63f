"""Contracts as one WSGI application: every request gets a SOAP reply, a SOAP fault, or a published file.

The way of a request: path -> Content-Type -> body (bounded) -> XML boundary -> envelope -> operation and action ->
WS-Security -> spyne -> handler. Whatever goes wrong on it is a GatewayError and leaves as a fault in the contract's own
form; anything else is logged without content and leaves as IMG-9002.
"""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import escape

from gateway.errors import ConfigurationError, GatewayError, SoapRefused, Unavailable, XmlRefused
from gateway.soap.envelope import NotUnderstood, read_envelope, version_of
from gateway.soap.faults import ERROR_HEADER, render_fault, status_of
from gateway.soap.http import read_body, read_content_type, soap_action
from gateway.soap.models import SoapCall, SoapVersion
from gateway.soap.mtom import MULTIPART, pack, resolve, unpack
from gateway.soap.peer import ProxyPolicy, peer_of
from gateway.soap.protocol import Answer, SpyneServer
from gateway.soap.publish import Publication
from gateway.soap.renewal import Renewal
from gateway.soap.security import read_security
from gateway.xml.boundary import parse, remember_refused
from gateway.xml.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from wsgiref.types import StartResponse, WSGIEnvironment

    from gateway.soap.models import Contract, Operation

__all__ = ["SoapApplication"]

_log = logging.getLogger(__name__)
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Published:
    """A contract with all that is made of it once."""

    contract: Contract
    files: Publication
    operations: Mapping[str, Operation]
    servers: Mapping[SoapVersion, SpyneServer]


@dataclass(slots=True)
class _Progress:
    """How far a request came: what a fault needs to know."""

    version: SoapVersion = SoapVersion.SOAP11
    call: SoapCall | None = None
    size: int = 0
    """Bytes that were parsed."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class SoapApplication:
    """A WSGI application that serves contracts.

    Args:
        contracts: each at its own path.
        base_url: public address of this instance, without a path; taken from the request's Host when None.
        limits: of every request body, where a contract has none of its own.
        proxies: the reverse proxies whose certificate headers are believed.
        clock: aware UTC time of arrival.
        on_fault: told about every fault before it is sent, with the call as far as it was read.
    """

    def __init__(
        self,
        contracts: Sequence[Contract],
        *,
        base_url: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        proxies: ProxyPolicy = ProxyPolicy(),  # noqa: B008 - frozen
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_fault: Callable[[GatewayError, SoapCall | None], None] | None = None,
    ) -> None:
        self._published = {contract.path: _publish(contract) for contract in contracts}
        self._base_url = base_url.rstrip("/") if base_url else None
        self._limits = limits
        self._proxies = proxies
        self._clock = clock
        self._on_fault = on_fault
        self._renewal = Renewal()

    @property
    def paths(self) -> frozenset[str]:
        """The paths that are served, for an application that puts others beside them."""
        return frozenset(self._published)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        reply = self._renewal.run(self._reply, environ)
        headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body))), *reply.headers]
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [reply.body]

    def _reply(self, environ: Mapping[str, Any]) -> _Reply:
        published = self._published.get(str(environ.get("PATH_INFO", "")))
        progress = _Progress()
        try:
            return self._answer(published, environ, progress)
        except GatewayError as error:
            return self._fault(error, published, progress)
        except Exception as error:  # noqa: BLE001 - every failure becomes a fault; none may end the worker
            # The text of the exception may quote the message, so only its kind and place are logged.
            _log.error("unexpected %s in %s", type(error).__qualname__, _place(error))
            return self._fault(Unavailable("IMG-9002"), published, progress)

    def _answer(self, published: _Published | None, environ: Mapping[str, Any], progress: _Progress) -> _Reply:
        if published is None:
            there = ", ".join(sorted(self._published))
            raise SoapRefused("IMG-1111", f"Nothing is published at this address; there is {there}", where="HTTP path")
        method = environ.get("REQUEST_METHOD")
        if method in {"GET", "HEAD"}:
            return self._describe(published, environ)
        if method != "POST":
            raise SoapRefused("IMG-1110", where="HTTP method", expected="POST, GET, HEAD")
        answer = self._call(published, environ, progress)
        if not answer.parts:
            return _Reply(200, answer.version.content_type, answer.envelope)
        token = secrets.token_hex(16)
        content_type, body = pack(answer.envelope, answer.version, answer.parts, token=token)
        return _Reply(200, content_type, body)

    def _call(self, published: _Published, environ: Mapping[str, Any], progress: _Progress) -> Answer:
        contract = published.contract
        content_type = read_content_type(str(environ.get("CONTENT_TYPE") or ""), mtom=contract.mtom)
        progress.version = content_type.version
        peer = peer_of(environ, self._proxies)
        limits = contract.limits or self._limits
        body = read_body(environ, limits)
        contract.check_peer(peer)
        package = None
        if content_type.boundary is not None:
            package = unpack(body, boundary=content_type.boundary, start=content_type.start)
        parsed = parse(body if package is None else package.root, limits=limits)
        progress.size = len(parsed.raw)
        if content_type.charset not in {None, parsed.encoding}:
            raise XmlRefused(
                "IMG-1009", where="Content-Type", found=str(content_type.charset), expected=parsed.encoding
            )
        version = version_of(parsed.root)
        if version is not content_type.version:
            raise SoapRefused("IMG-1104", found=content_type.version.media_type, expected=version.media_type)
        server = published.servers.get(version)
        if server is None:
            raise SoapRefused("IMG-1103", found=version.name)
        envelope = read_envelope(parsed.root, version, contract.known_headers)
        operation = published.operations.get(str(envelope.body.tag))
        if operation is None:
            expected = ", ".join(each.rpartition("}")[2] for each in published.operations)
            raise SoapRefused("IMG-1105", where="/Envelope/Body", found=str(envelope.body.tag), expected=expected)
        for action in (soap_action(environ, content_type), envelope.action):
            if action is not None and action != operation.action and action not in operation.other_actions:
                raise SoapRefused("IMG-1106", where="SOAPAction", found=action, expected=operation.action)
        if package is not None:
            resolve(parsed.root, envelope.body, package.files, limits)
        progress.call = SoapCall(
            contract=contract.name,
            operation=operation.name,
            version=version,
            body=envelope.body,
            headers=envelope.headers,
            security=read_security(envelope.headers, signed=contract.signed_bodies),
            message_id=envelope.message_id,
            peer=peer,
            raw=body,
            received_at=self._clock(),
        )
        takes_mtom = contract.mtom and (package is not None or MULTIPART in str(environ.get("HTTP_ACCEPT", "")).lower())
        return server.answer(progress.call, takes_mtom=takes_mtom)

    def _fault(self, error: GatewayError, published: _Published | None, progress: _Progress) -> _Reply:
        if self._on_fault is not None:
            try:
                self._on_fault(error, progress.call)
            except Exception as failure:  # noqa: BLE001 - a failing hook must not cost the sender its fault
                _log.error("fault hook: %s in %s", type(failure).__qualname__, _place(failure))
        remember_refused(progress.size)
        error = _outward(error)
        headers: tuple[tuple[str, str], ...] = (("Allow", "POST, GET, HEAD"),) if error.code == "IMG-1110" else ()
        contract = None if published is None else published.contract
        version = progress.version if contract is None else contract.reply_version or progress.version
        body = b""
        if contract is not None and contract.render_fault is not None:
            headers += _told_beside(error)
            try:
                body = contract.render_fault(error, version, progress.call)
            except Exception as failure:  # noqa: BLE001 - the sender gets a fault, if not in the contract's form
                _log.error("fault form: %s in %s", type(failure).__qualname__, _place(failure))
        if not body:
            detail = None if contract is None else contract.fault_detail(error)
            names = error.names if isinstance(error, NotUnderstood) else ()
            body = render_fault(error, version, detail=detail, not_understood=names)
        status = None if contract is None else contract.fault_status(error)
        return _Reply(status or status_of(error, version), version.content_type, body, headers)

    def _describe(self, published: _Published, environ: Mapping[str, Any]) -> _Reply:
        address = (self._base_url or _own_address(environ)) + published.contract.path
        query = str(environ.get("QUERY_STRING", ""))
        key, _, value = query.partition("=")
        if query.lower() == "wsdl":
            return _Reply(200, "text/xml; charset=utf-8", published.files.wsdl(address))
        if key.lower() == "xsd":
            schema = published.files.schema(unquote(value), address)
            if schema is None:
                raise SoapRefused("IMG-1111", where="xsd", expected=", ".join(sorted(published.files.schemas)))
            return _Reply(200, "text/xml; charset=utf-8", schema)
        return _Reply(200, "text/html; charset=utf-8", _page(published.contract, address))


def _told_beside(error: GatewayError) -> tuple[tuple[str, str], ...]:
    """HTTP headers with what a contract's own form of faults has no place for."""
    told = ((ERROR_HEADER, error.code), ("X-IMSOC-Exchange", error.exchange_id))
    return tuple((name, value) for name, value in told if value)


def _outward(error: GatewayError) -> GatewayError:
    """The error as callers may see it: what is wrong in the gateway's own settings and files is not told them."""
    if not isinstance(error, ConfigurationError):
        return error
    shown = ConfigurationError(error.code)
    shown.exchange_id = error.exchange_id
    return shown


def _publish(contract: Contract) -> _Published:
    return _Published(
        contract,
        Publication(contract.wsdl),
        {operation.request: operation for operation in contract.operations},
        {version: SpyneServer(contract, version) for version in contract.versions},
    )


def _own_address(environ: Mapping[str, Any]) -> str:
    """Scheme and host as the client wrote them; a Host that is none falls back to the server's own name."""
    host = str(environ.get("HTTP_HOST", ""))
    if not _HOST.fullmatch(host):
        host = f"{environ.get('SERVER_NAME', 'localhost')}:{environ.get('SERVER_PORT', '80')}"
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}"


def _page(contract: Contract, address: str) -> bytes:
    name, link = escape(contract.name), escape(address)
    operations = "".join(f"<li>{escape(operation.name)}</li>" for operation in contract.operations)
    return (
        f"<!DOCTYPE html><html lang=en><title>{name}</title><h1>{name}</h1>"
        f"<p>A SOAP service of the IMSOC gateway. Its description: <a href='?wsdl'>{link}?wsdl</a>.</p>"
        f"<ul>{operations}</ul></html>"
    ).encode()


def _place(error: BaseException) -> str:
    """File and line of the innermost frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "unknown place" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
