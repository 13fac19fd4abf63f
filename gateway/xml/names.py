"""Namespaces, qualified names and readable paths (DIGEST 1).

Namespace versions do not track each other between contracts, so every name here carries its version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lxml.etree import _Element

SPS17: Final = "urn:un:unece:uncefact:data:standard:SPSCertificate:17"
ACK17: Final = "urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17"
RAM21: Final = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
UDT21: Final = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:21"
QDT21: Final = "urn:un:unece:uncefact:data:Standard:QualifiedDataType:21"
"""The capital S is UN's own spelling; no element on the wire uses it."""

CX1: Final = "urn:imsoc:gateway:certificate-exchange:1"
"""Our own contract, CertificateExchange."""

HUB: Final = "http://ephyto.ippc.int/"
"""The IPPC ePhyto hub's operations and code lists (DIGEST 2.1)."""
HUBENT: Final = "http://ephyto.ippc.int/HUB.Entities"
"""The hub's envelopes, NPPOs and channels (DIGEST 2.3)."""

BASE4: Final = "http://ec.europa.eu/sanco/tracesnt/base/v4"
BASE3: Final = "http://ec.europa.eu/sanco/tracesnt/base/v3"
"""Request headers of TRACES NT: v4 for today's services, v3 for CERTEX and the first CHED submission (DIGEST 4.3)."""
BODY3: Final = "http://ec.europa.eu/tracesnt/body/v3"
BODY1: Final = "http://ec.europa.eu/tracesnt/body/v1"
"""BodyIdentity and the customs office; the child of BodyIdentity is in no namespace at all."""
ERR: Final = "http://ec.europa.eu/sanco/tracesnt/error/v01"
MSG: Final = "http://ec.europa.eu/sanco/tracesnt/message/v1"
CHED2: Final = "http://ec.europa.eu/tracesnt/certificate/ched/v2"
CHEDSUB2: Final = "http://ec.europa.eu/tracesnt/certificate/ched/submission/v2"
CHEDSUB1: Final = "http://ec.europa.eu/tracesnt/certificate/ched/submission/v01"
CHEDFOLLOWUP1: Final = "http://ec.europa.eu/tracesnt/certificate/ched/followup/v01"
CHEDALERT1: Final = "http://ec.europa.eu/tracesnt/certificate/ched/alert/noncompliance/v01"
CERTBASE1: Final = "http://ec.europa.eu/tracesnt/certificate/base/v01"
INTRA1: Final = "http://ec.europa.eu/tracesnt/certificate/euintra/v1"
DOCOM1: Final = "http://ec.europa.eu/tracesnt/certificate/docom/retrieval/v1"
ATT1: Final = "http://ec.europa.eu/tracesnt/certificate/attachments/v1"
LAB1: Final = "http://ec.europa.eu/tracesnt/certificate/laboratorytest/v1"
REF1: Final = "http://ec.europa.eu/tracesnt/referencedata/v1"
REFLAB1: Final = "http://ec.europa.eu/tracesnt/referencedata/laboratorytest/v1"
REFTREE1: Final = "http://ec.europa.eu/tracesnt/referencedata/classificationtree/v1"
REFATTR1: Final = "http://ec.europa.eu/tracesnt/referencedata/nodeattribute/v1"
REFSECTION1: Final = "http://ec.europa.eu/tracesnt/referencedata/classificationsection/v1"
REFMODEL1: Final = "http://ec.europa.eu/tracesnt/referencedata/certificatemodel/v1"
OPER1: Final = "http://ec.europa.eu/tracesnt/directory/operator/v1"
CERTEX6: Final = "http://ec.europa.eu/sanco/tracesnt/customs_certex/ched/v06"
CERTEXBASE3: Final = "http://ec.europa.eu/sanco/tracesnt/customs_certex/base/v03"
"""Messages of CERTEX and the fields in them: v06 messages carry v03 leaves (DIGEST 7)."""
CTRL1: Final = "urn:imsoc:gateway:ched-control:1"
"""Our own contract, ChedControl: what TRACES lets authorities do in its web pages only."""
LOOKUP1: Final = "urn:imsoc:gateway:customs-lookup:1"
"""Our own contract, CustomsLookup: documents behind a customs code, a number or a declaration."""
PUSH1: Final = "urn:imsoc:gateway:customs-push:1"
"""Our own contract, CustomsPush: what customs systems are told of CHEDs that they follow."""

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES132: Final = "http://uri.etsi.org/01903/v1.3.2#"
XADES141: Final = "http://uri.etsi.org/01903/v1.4.1#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"

SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP11: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
WSDL_SOAP12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
XMIME: Final = "http://www.w3.org/2005/05/xmlmime"
XOP: Final = "http://www.w3.org/2004/08/xop/include"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XML: Final = "http://www.w3.org/XML/1998/namespace"

PREFIXES: Final[dict[str, str]] = {
    "sps": SPS17,
    "ack": ACK17,
    "ram": RAM21,
    "udt": UDT21,
    "cx": CX1,
    "hub": HUB,
    "hubent": HUBENT,
    "base4": BASE4,
    "base3": BASE3,
    "body3": BODY3,
    "body1": BODY1,
    "err": ERR,
    "msg": MSG,
    "ched2": CHED2,
    "chedsub2": CHEDSUB2,
    "chedsub1": CHEDSUB1,
    "followup": CHEDFOLLOWUP1,
    "alert": CHEDALERT1,
    "certbase": CERTBASE1,
    "intra": INTRA1,
    "docom": DOCOM1,
    "att": ATT1,
    "lab": LAB1,
    "ref": REF1,
    "reflab": REFLAB1,
    "reftree": REFTREE1,
    "refattr": REFATTR1,
    "refsection": REFSECTION1,
    "refmodel": REFMODEL1,
    "oper": OPER1,
    "certex": CERTEX6,
    "certexbase": CERTEXBASE3,
    "ctrl": CTRL1,
    "lookup": LOOKUP1,
    "push": PUSH1,
    "ds": DS,
    "xades": XADES132,
    "xades141": XADES141,
    "ec": EXC_C14N,
    "soap": SOAP11,
    "soap12": SOAP12,
    "wsa": WSA,
    "wsse": WSSE,
    "wsu": WSU,
    "xmime": XMIME,
    "xop": XOP,
    "xsd": XSD,
    "xsi": XSI,
    "xml": XML,
}
"""The prefixes of every XPath that this program compiles or prints; pass it as ``namespaces=``."""

_PREFIX_OF: Final = {uri: prefix for prefix, uri in PREFIXES.items()}


def qn(namespace: str, local: str) -> str:
    """The name of an element or attribute in lxml's notation, ``{namespace}local``."""
    return f"{{{namespace}}}{local}"


def readable(name: str) -> str:
    """``{namespace}local`` as ``prefix:local``; an unknown namespace keeps its braces."""
    namespace, brace, local = name.rpartition("}")
    if not brace:
        return name
    prefix = _PREFIX_OF.get(namespace[1:])
    return f"{prefix}:{local}" if prefix else name


def path_of(element: _Element) -> str:
    """An absolute XPath of one element with the usual prefixes, for messages.

    A position is given only where siblings share the name: ``/sps:SPSCertificate/sps:SPSConsignment/ram:Item[2]``.
    """
    steps: list[str] = []
    node: _Element | None = element
    while node is not None:
        if not isinstance(node.tag, str):
            steps.append("node()")
        else:
            before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
            alone = not before and next(node.itersiblings(node.tag), None) is None
            steps.append(readable(node.tag) if alone else f"{readable(node.tag)}[{before + 1}]")
        node = node.getparent()
    return "/" + "/".join(reversed(steps))
