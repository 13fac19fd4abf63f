"""The gateway's own seal, made from its settings: key files, time-stamping authorities, their anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.access.directory import read_secret
from gateway.errors import ConfigurationError
from gateway.trust import Anchor, Purpose, Sealer, TimestampClient, TrustStore, load_certificates

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.config import SealSettings

__all__ = ["build_sealer", "build_timestamper"]


def build_sealer(settings: SealSettings) -> Sealer:
    """The sealer behind ``[seal]``; with a time-stamping client unless ``timestamp`` is ``none``.

    Raises:
        ConfigurationError: IMG-0101 no key, IMG-0104 a file that cannot be read, and what
            :meth:`~gateway.trust.Sealer.from_pem` raises for files that do not fit.
    """
    password = read_secret(settings.password).encode() if settings.password else None
    timestamper = build_timestamper(settings) if settings.timestamp != "none" else None
    required = settings.timestamp == "required"
    if settings.pkcs12:
        return Sealer.from_pkcs12(_read("seal.pkcs12", settings.pkcs12), password, timestamper, stamp_required=required)
    if settings.key is None or settings.certificate is None:
        raise ConfigurationError("IMG-0101", where="seal.key", found="nothing", expected="a key to seal with")
    return Sealer.from_pem(
        _read("seal.key", settings.key),
        _read("seal.certificate", settings.certificate),
        b"\n".join(_read("seal.chain", path) for path in settings.chain),
        password,
        timestamper,
        stamp_required=required,
    )


def build_timestamper(settings: SealSettings) -> TimestampClient:
    """The client of the authorities in ``seal.timestamp_authorities``, under ``seal.timestamp_anchors``.

    Raises:
        ConfigurationError: IMG-0104 for an anchor that cannot be read.
    """
    anchors = [
        Anchor(path.name, certificate, frozenset({Purpose.TIMESTAMP}))
        for path in settings.timestamp_anchors
        for certificate in load_certificates(_read("seal.timestamp_anchors", path))
    ]
    return TimestampClient(settings.timestamp_authorities, TrustStore(anchors))


def _read(key: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            "IMG-0104", where=key, found=f"{path}: {error.strerror}", expected="a readable file"
        ) from error
