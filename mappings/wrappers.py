"""What a certificate is carried in: TRACES' three roots, the hub's text and the hub's envelope (DIGEST 10, 11)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import SchemaInvalid
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import DOCOM1, HUB, HUBENT, INTRA1, PREFIXES, SPS17, path_of, qn
from gateway.xml.roots import rewrap

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.xml.limits import Limits

__all__ = ["Wrapped", "Wrapper", "unwrap", "wrap"]


class Wrapper(StrEnum):
    """How a certificate is carried; everything below its root is the same in all of them."""

    SPS = "sps"
    """Root in SPSCertificate 17: ePhyto, CHED, CERTEX and this gateway."""
    INTRA = "intra"
    """Root in the namespace of EuIntraCertificateServiceV1."""
    DOCOM = "docom"
    """Root in the namespace of DocomCertificateRetrievalServiceV1."""
    CONTENT = "hub-content"
    """Text in the Content of a hub's envelope."""
    ENVELOPE = "hub-envelope"
    """An element in the hub's ePhytoEnvelope."""


_ROOTS: Final = {Wrapper.SPS: SPS17, Wrapper.INTRA: INTRA1, Wrapper.DOCOM: DOCOM1}
_CERTIFICATES: Final = {qn(namespace, "SPSCertificate"): wrapper for wrapper, namespace in _ROOTS.items()}
_CERTIFICATE: Final = qn(SPS17, "SPSCertificate")
_CONTENT: Final = qn(HUBENT, "Content")
_ENVELOPE: Final = qn(HUB, "ePhytoEnvelope")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A certificate that was found, and what it was carried in."""

    certificate: _Element
    """Its root in SPSCertificate 17. Apart from `Wrapper.SPS` and `Wrapper.CONTENT` a copy."""
    wrapper: Wrapper


def unwrap(document: _Element, *, limits: Limits = DEFAULT_LIMITS) -> Wrapped:
    """The first certificate in a document: its root, or inside an envelope, a reply, a Content.

    Args:
        document: of a file or a message.
        limits: of the XML in a Content.

    Raises:
        SchemaInvalid: IMG-3001 there is no certificate in it.
        XmlRefused: the text of a Content breaks a limit.
    """
    for element in document.iter(*_CERTIFICATES, _CONTENT):
        if element.tag == _CONTENT:
            text = (element.text or "").strip()
            if text.startswith("<") and (inside := parse(text.encode(), limits=limits).root).tag == _CERTIFICATE:
                return Wrapped(inside, Wrapper.CONTENT)
            continue
        wrapper = _CERTIFICATES[str(element.tag)]
        if wrapper is not Wrapper.SPS:
            return Wrapped(rewrap(element, SPS17), wrapper)
        parent = element.getparent()
        inside_envelope = parent is not None and parent.tag == _ENVELOPE
        return Wrapped(element, Wrapper.ENVELOPE if inside_envelope else Wrapper.SPS)
    raise SchemaInvalid("IMG-3001", where=path_of(document), expected="an SPSCertificate")


def wrap(certificate: _Element, wrapper: Wrapper) -> _Element:
    """The inverse: a new element that carries the certificate, which is not touched. Headers are the caller's.

    Args:
        certificate: its root in SPSCertificate 17.
        wrapper: what carries it.
    """
    if wrapper in _ROOTS:
        return deepcopy(certificate) if wrapper is Wrapper.SPS else rewrap(certificate, _ROOTS[wrapper])
    if wrapper is Wrapper.CONTENT:
        content = etree.Element(_CONTENT, nsmap={"hubent": HUBENT})
        content.text = serialise(certificate).decode()
        return content
    envelope = etree.Element(_ENVELOPE, nsmap={each: PREFIXES[each] for each in ("hub", "hubent")})
    envelope.append(deepcopy(certificate))
    return envelope
