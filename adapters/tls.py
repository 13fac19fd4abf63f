"""TLS of a partner, from the files that its record names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.soap.transport import TlsSettings

if TYPE_CHECKING:
    from adapters.opening import Target

__all__ = ["tls_of"]


def tls_of(target: Target) -> TlsSettings:
    """The files, each looked at once: a first delivery would take a missing one for a lost answer.

    Raises:
        ConfigurationError: IMG-0120 a file is not there or not readable.
    """
    return TlsSettings(
        ca=_readable("ca", target.ca),
        client_certificate=_readable("client_certificate", target.client_certificate),
        client_key=_readable("client_key", target.client_key),
    )


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
