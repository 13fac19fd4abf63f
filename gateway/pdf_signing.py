"""Seals PDF files with the key of ``[seal]``: PAdES baseline B, or baseline T where a time-stamping authority is set.

pyHanko writes the signature into the file and makes the CMS around it; the key and the time stamp stay behind our own
``Sealer``, so that there is one place that holds the key and one policy for stamps.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.trust import Sealer

__all__ = ["PadesSealer"]

_DIGESTS: Final = {"256": "sha256", "384": "sha384", "512": "sha512"}
_FIELD: Final = "Seal"
_PLACE: Final = 16 * 1024
"""Bytes kept in the file for the CMS: the chain, and a time-stamp token that brings its own."""


class PadesSealer:
    """Seals PDF files; safe to share between threads.

    Args:
        sealer: the key, its certificates, and the stamps.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, document: bytes, *, at: datetime) -> bytes:
        """The file with an invisible PAdES seal over all of it.

        Args:
            document: a PDF file that bears no signature.
            at: the claimed time, aware.

        Returns:
            The same bytes with an incremental update behind them (ISO 32000-1 12.8, EN 319 142-1).

        Raises:
            Unavailable: IMG-9003 a time stamp is required, and no authority answers.
        """
        signer = _CmsSigner(self._sealer, at)
        metadata = PdfSignatureMetadata(
            field_name=_FIELD, md_algorithm=signer.digest, subfilter=SigSeedSubFilter.PADES, signer_key_usage=set()
        )
        out = BytesIO()
        _Session(metadata, signer, at).sign_pdf(
            IncrementalPdfFileWriter(BytesIO(document)), output=out, bytes_reserved=2 * _PLACE
        )
        return out.getvalue()


class _Session(PdfSigner):
    """Claims the time that it is given."""

    def __init__(self, metadata: PdfSignatureMetadata, signer: Signer, at: datetime) -> None:
        super().__init__(metadata, signer, new_field_spec=SigFieldSpec(_FIELD))
        self._at = at

    def init_signing_session(self, *args: Any, **more: Any) -> Any:
        session = super().init_signing_session(*args, **more)
        session.system_time = self._at
        return session


class _CmsSigner(Signer):
    """What pyHanko asks of a key, answered by the sealer."""

    def __init__(self, sealer: Sealer, at: datetime) -> None:
        super().__init__(signing_cert=asn1_x509.Certificate.load(sealer.certificate))
        self.cert_registry.register_multiple([asn1_x509.Certificate.load(der) for der in sealer.chain])
        self._sealer = sealer
        self._at = at
        self.digest = _DIGESTS[sealer.algorithm[-3:]]
        """The digest that goes with the key: the sealer's algorithm ends with its size."""

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - pyHanko's
        """The signature over ``data`` in the form of CMS: ECDSA as a DER sequence of r and s."""
        value = self._sealer.sign(data)
        if "ecdsa" not in self._sealer.algorithm:
            return value
        half = len(value) // 2
        return encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))

    async def unsigned_attrs(
        self,
        digest_algorithm: str,  # noqa: ARG002
        signature: bytes,
        signed_attrs: cms.CMSAttributes,  # noqa: ARG002
        timestamper: object = None,  # noqa: ARG002
        dry_run: bool = False,  # noqa: FBT001, FBT002
    ) -> cms.CMSAttributes | None:
        token = None if dry_run else self._sealer.stamp(signature, self._at)
        if token is None:
            return None
        attribute = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(token)]})
        return cms.CMSAttributes([attribute])
