"""TLS of a partner, from the files that its record names."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.soap.tls import TlsSettings, client_context, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.opening import Target

__all__ = ["tls_of"]


def tls_of(target: Target) -> TlsSettings:
    """The files, each looked at once: a first delivery would take a missing one for a lost answer.

    Raises:
        ConfigurationError: IMG-0120 a file is not there, not readable, or not what its key says.
    """
    tls = TlsSettings(
        ca=_readable("ca", target.ca),
        client_certificate=_readable("client_certificate", target.client_certificate),
        client_key=_readable("client_key", target.client_key),
    )
    if tls.ca is not None:
        with _usable("ca", target.ca, "PEM certificates of authorities"):
            client_context(TlsSettings(ca=tls.ca))
    if tls.client_certificate is not None:
        names = " and ".join(filter(None, (target.client_certificate, target.client_key)))
        with _usable("client_certificate", names, "a PEM certificate and its own key, not encrypted"):
            client_context(tls)
    return tls


def _readable(key: str, name: str) -> Path | None:
    """The file behind a key of the record; None when the key is not there."""
    if not name:
        return None
    try:
        with Path(name).open("rb"):
            return Path(name)
    except OSError as error:
        raise ConfigurationError(
            "IMG-0120", where=f"partner.delivery.{key}", found=name, expected="a readable PEM file"
        ) from error


@contextmanager
def _usable(key: str, name: str, expected: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        found = f"{name}: {reason_of(error)}"
        raise ConfigurationError("IMG-0120", where=f"partner.delivery.{key}", found=found, expected=expected) from error
