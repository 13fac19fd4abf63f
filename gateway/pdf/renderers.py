"""Makes the printable documents of an instance: in the reader's language, sealed where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.errors import ChedRefused
from gateway.pdf.certificate import render_certificate
from gateway.pdf.ched import render_ched

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.documents.ched import Ched

__all__ = ["CertificatePdf", "ChedPdf", "PdfSealer"]


class PdfSealer(Protocol):
    """Puts a PAdES seal on a PDF file."""

    def seal(self, document: bytes, *, at: datetime) -> bytes:
        """The file with a seal, in an update behind the bytes that it seals.

        Raises:
            Unavailable: IMG-9003 a time stamp is required, and no authority answers.
        """


class _Sealing:
    def __init__(self, clock: Callable[[], datetime], sealer: PdfSealer | None = None) -> None:
        self._clock = clock
        self._sealer = sealer

    def _sealer_for(self, reference: str, *, signed: bool) -> PdfSealer | None:
        if signed and self._sealer is None:
            raise ChedRefused("IMG-7207", where="ID", found=reference, expected="an instance with a key for seals")
        return self._sealer if signed else None


class ChedPdf(_Sealing):
    """Makes printable CHEDs.

    Args:
        clock: gives the time, aware.
        sealer: makes signed ones; without it there are none.
    """

    def __call__(self, ched: Ched, *, language: str, url: str, contingency: str, signed: bool) -> bytes:
        """The PDF, as `render_ched` makes it; PAdES when ``signed``.

        Raises:
            ChedRefused: IMG-7207 there is no key to sign with; IMG-7221 the document is too long.
            Unavailable: IMG-9003 as `PdfSealer`.
        """
        sealer = self._sealer_for(ched.reference, signed=signed)
        now = self._clock()
        document = render_ched(
            ched, language=language, url=url, contingency=contingency, now=now, sealed=sealer is not None
        )
        return document if sealer is None else sealer.seal(document, at=now)


class CertificatePdf(_Sealing):
    """Makes printable INTRA certificates and DOCOMs; as `ChedPdf`."""

    def __call__(self, root: _Element, *, language: str, url: str, signed: bool) -> bytes:
        """The PDF, as `render_certificate` makes it; PAdES when ``signed``.

        Raises:
            ChedRefused: IMG-7207, IMG-7221 as `ChedPdf`.
            Unavailable: IMG-9003 as `PdfSealer`.
        """
        sealer = self._sealer_for(url, signed=signed)
        now = self._clock()
        document = render_certificate(root, language=language, url=url, now=now, sealed=sealer is not None)
        return document if sealer is None else sealer.seal(document, at=now)
