"""Evidence of a document that carries no seal: an acknowledgement that names what was received (ePhyto hub).

Only an acknowledgement of an envelope carries the digest of a message beside that of the document, so nobody turns the
evidence of a sealed certificate into that of an unsealed one by cutting the seal out. The acknowledgement is sealed
itself: whoever calls this judges that seal as well.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from gateway.errors import GatewayError
from gateway.trust.elements import SIGNATURE
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.limits import KEPT_LIMITS
from gateway.xml.names import RAM21, qn

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["unsealed_document"]

_DIGEST: Final = "sha-256:"


def unsealed_document(files: Mapping[str, bytes]) -> str:
    """One sentence about the document of an evidence container, or nothing where a seal has to vouch for it.

    Args:
        files: ``document.xml``, ``request.xml`` and ``acknowledgement.xml`` by name, unchanged since they were packed.
    """
    try:
        document, request = files["document.xml"], files["request.xml"]
        named = _named(files["acknowledgement.xml"])
        root = parse(document, limits=KEPT_LIMITS).root
        if next(root.iter(SIGNATURE), None) is not None:
            return ""
        content = hashlib.sha256(canonicalise(root, algorithm=C14n.EXCLUSIVE)).hexdigest()
    except (KeyError, GatewayError):
        return ""
    agrees = hmac.compare_digest(named.get("AWR", ""), content) and hmac.compare_digest(
        named.get("ACW", ""), hashlib.sha256(request).hexdigest()
    )
    if not agrees:
        return ""
    return (
        "document.xml: came by the ePhyto hub without a seal; the acknowledgement names its digest and that of the "
        "envelope as received. An ePhyto, not an electronic official certificate of Article 39"
    )


def _named(acknowledgement: bytes) -> dict[str, str]:
    """The digests of an acknowledgement by the relationship of their reference."""
    named: dict[str, str] = {}
    for reference in parse(acknowledgement).root.iter(qn(RAM21, "ReferenceSPSReferencedDocument")):
        relation = reference.findtext(qn(RAM21, "RelationshipTypeCode")) or ""
        information = reference.findtext(qn(RAM21, "Information")) or ""
        if information.startswith(_DIGEST):
            named[relation] = information.removeprefix(_DIGEST)
    return named
