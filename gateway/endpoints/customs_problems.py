"""Refusals of the read API of customs as problem details (RFC 9457), with the HTTP status that fits."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from gateway.endpoints.rendering import remedy
from gateway.errors import (
    AccessDenied,
    AuthenticationFailed,
    ConfigurationError,
    Fault,
    Retry,
    TranslationRefused,
    Unavailable,
)

if TYPE_CHECKING:
    from gateway.errors import GatewayError

__all__ = ["RETRY_AFTER_SECONDS", "problem_of", "status_of"]

RETRY_AFTER_SECONDS: Final = 5
"""When what is away for the moment may be asked again."""

_CHALLENGE: Final = 'Basic realm="imsoc", charset="UTF-8"'
_TYPE: Final = "urn:imsoc:gateway:error:"
_REMEDIES: Final = {
    "IMG-2001": "Check user name and secret of HTTP Basic (RFC 7617): those of your account for SOAP.",
    "IMG-2110": "The CHED concerns none of the countries of your record; ask the operator, where it should.",
}
"""What to do where the catalogue speaks of headers of SOAP."""
_PLACES: Final = {"ChedCertificateId": "reference"}
"""Names of the contract of CERTEX as this API has them."""
_STATUSES: Final = {
    "IMG-2007": HTTPStatus.FORBIDDEN,  # asking for credentials would have them sent over plain HTTP
    "IMG-7201": HTTPStatus.NOT_FOUND,
    "IMG-7408": HTTPStatus.CONFLICT,
    "IMG-7420": HTTPStatus.NOT_FOUND,
    "IMG-7421": HTTPStatus.NOT_FOUND,
    "IMG-7423": HTTPStatus.NOT_FOUND,
    "IMG-9002": HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: GatewayError) -> HTTPStatus:
    """The HTTP status of a refusal."""
    status = _STATUSES.get(error.code)
    if status is None and isinstance(error, AuthenticationFailed):
        status = HTTPStatus.UNAUTHORIZED
    elif status is None and isinstance(error, AccessDenied):
        status = HTTPStatus.FORBIDDEN
    elif status is None and isinstance(error, TranslationRefused):
        status = HTTPStatus.NOT_FOUND
    elif status is None and isinstance(error, Unavailable) and error.retry is Retry.LATER:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    if status is None:
        receiver = error.fault is Fault.RECEIVER
        status = HTTPStatus.INTERNAL_SERVER_ERROR if receiver else HTTPStatus.BAD_REQUEST
    return status


def problem_of(error: GatewayError, status: int) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """The body of a refusal, and the headers that belong to it.

    Args:
        error: what was refused. What is wrong in the gateway's own settings and files is not told.
        status: of the reply.
    """
    own = isinstance(error, ConfigurationError)
    told = {
        "type": f"{_TYPE}{error.code}",
        "title": error.entry.title,
        "status": int(status),
        "detail": error.entry.title if own else error.message,
        "code": error.code,
        "where": "" if own else _PLACES.get(error.where, error.where),
        "found": "" if own else error.found,
        "expected": "" if own else error.expected,
        "whatToDo": _REMEDIES.get(error.code) or remedy(error),
        "retry": error.retry.value,
        "exchange": error.exchange_id,
    }
    return {name: value for name, value in told.items() if value != ""}, tuple(_headers(error, status))


def _headers(error: GatewayError, status: int) -> list[tuple[str, str]]:
    if status == HTTPStatus.UNAUTHORIZED:
        return [("WWW-Authenticate", _CHALLENGE)]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return [("Allow", error.expected)]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return [("Retry-After", str(RETRY_AFTER_SECONDS))]
    return []
