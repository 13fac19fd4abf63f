"""A hub for the client's tests, and the schema of its description.

Written from the hub's own description and not with our modules, so that it cannot share their mistakes.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
HUB = "http://ephyto.ippc.int/"
ENT = "http://ephyto.ippc.int/HUB.Entities"
XSD = "http://www.w3.org/2001/XMLSchema"
NS = {"hub": HUB, "ent": ENT, "soap": SOAP, "xs": XSD}
ACTION = "http://ephyto.ippc.int/IDeliveryService/"
FIELDS = ("From", "To", "CertificateType", "CertificateStatus", "NPPOCertificateNumber")
DELIVERING = {
    "DeliverEnvelope": f"{{{HUB}}}env",
    "ValidateAndDeliverEnvelope": f"{{{HUB}}}envelope",
    "DeliverPhytoEnvelope": f"{{{HUB}}}ePhytoEnvelope",
    "DeliverCountryResponseEnvelope": f"{{{HUB}}}CountryResponseEnvelope",
}
LISTS = {
    "GetTreatmentTypes": "TreatmentType",
    "GetAdditionalDeclarations": "AdditionalDeclaration",
    "GetIntendedUses": "IntendedUse",
    "GetPesticides": "Pesticide",
    "GetProductDescriptions": "ProductDescription",
    "GetConditions": "Condition",
    "GetUnitMeasures": "UnitMeasure",
    "GetMeanOfTransports": "MeanOfTransport",
    "GetPackageTypes": "PackageType",
    "GetStatements": "Statement",
}


def contract():
    """The hub's description, where the references are at hand."""
    folder = os.environ.get("IMSOC_CONTRACTS")
    if not folder:
        pytest.skip("IMSOC_CONTRACTS is not set: the hub's own description is not at hand")
    return Path(folder) / "ippc-hub"


def hub_schema(folder):
    """The schema inside the hub's description, compiled as it is: each part a file, the imports given places."""
    wsdl = etree.parse(contract() / "DeliveryService.wsdl")
    schemas = wsdl.findall(".//xs:schema", NS)
    places = {schema.get("targetNamespace"): f"part-{number}.xsd" for number, schema in enumerate(schemas)}
    driver = etree.Element(f"{{{XSD}}}schema")
    for schema in schemas:
        for imported in schema.findall("xs:import", NS):
            imported.set("schemaLocation", places[imported.get("namespace")])
        (folder / places[schema.get("targetNamespace")]).write_bytes(etree.tostring(schema))
        etree.SubElement(
            driver,
            f"{{{XSD}}}import",
            namespace=schema.get("targetNamespace"),
            schemaLocation=places[schema.get("targetNamespace")],
        )
    (folder / "driver.xsd").write_bytes(etree.tostring(driver))
    return etree.XMLSchema(etree.parse(folder / "driver.xsd"))


@dataclass
class Kept:
    """An envelope of the hub."""

    header: dict
    content: str
    number: str
    state: str = "PendingDelivery"
    message: str = ""

    def xml(self, name, namespace=ENT, *, content=False, **changes):
        said = {**self.header, "hubDeliveryNumber": self.number, "HUBTrackingInfo": self.state, **changes}
        if self.message:
            said.setdefault("hubDeliveryErrorMessage", self.message)
        if content:
            said["Content"] = self.content
        fields = "".join(f"<x:{key}>{escape(text)}</x:{key}>" for key, text in said.items() if text is not None)
        return f'<y:{name} xmlns:y="{namespace}" xmlns:x="{ENT}">{fields}</y:{name}>'


@dataclass
class FakeHub:
    """Serves all 27 operations; ``lies`` holds, by operation, what it answers instead, once each.

    A lie is a function of the request's body and of the honest answer: it gives the answer's body, or a triple of HTTP
    status, body and the number of bytes that are sent of it.
    """

    envelopes: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    lies: dict = field(default_factory=lambda: defaultdict(deque))
    schema: etree.XMLSchema | None = None
    numbers: count = field(default_factory=lambda: count(1))
    problems: list = field(default_factory=list)

    def put(self, content="<a/>", state="PendingDelivery", **header):
        given = dict(zip(FIELDS, ("AR", "NL", "851", "70", "AR-1"), strict=True)) | header
        number = f"HUB-{next(self.numbers):04d}"
        self.envelopes[number] = Kept(given, content, number, state)
        return number

    def calls(self, operation):
        return [body for name, body in self.requests if name == operation]

    def __call__(self, environ, start_response):
        request = etree.fromstring(
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])), etree.XMLParser(huge_tree=True)
        )
        body = request.find("soap:Body", NS)[0]
        operation = etree.QName(body).localname
        self._check(environ, body, operation)
        self.requests.append((operation, body))
        status, answer = self._honest(operation, body)
        sent = None
        if self.lies[operation]:
            lied = self.lies[operation].popleft()(body, answer)
            status, answer, sent = lied if isinstance(lied, tuple) else (status, lied, None)
        if answer.startswith(("<h:", "<S:Fault")):
            answer = f'<S:Envelope xmlns:S="{SOAP}"><S:Body>{answer}</S:Body></S:Envelope>'
        data = answer.encode()
        head = [("Content-Type", "text/xml; charset=UTF-8"), ("Content-Length", str(len(data)))]
        start_response(f"{status} whatever", head)
        return [data[:sent]]

    def _check(self, environ, body, operation):
        """What a client must get right; collected, because an assertion in a server's thread fails no test."""
        name = "NegativeAcknowledgeEnvelopeReceipt" if operation.startswith("AdvancedAck") else operation
        if environ.get("HTTP_SOAPACTION") != f'"{ACTION}{name}"':
            self.problems.append((operation, environ.get("HTTP_SOAPACTION")))
        if self.schema is not None and not self.schema.validate(body):
            self.problems.append((operation, str(self.schema.error_log)))

    def _honest(self, operation, body):
        if operation in DELIVERING:
            return 200, self._taken(operation, body.find(DELIVERING[operation]))
        if operation in LISTS:
            return 200, response(
                operation, f"<h:{LISTS[operation]}><active>true</active><code>1</code></h:{LISTS[operation]}>"
            )
        handler = getattr(self, operation)
        try:
            return 200, handler(body)
        except KeyError as error:
            return 500, exception(f"unknown {error}")

    def _taken(self, operation, given):
        header = {name: given.findtext(f"ent:{name}", None, NS) for name in FIELDS}
        content = given.findtext("ent:Content", None, NS)
        if content is None:
            content = etree.tostring(given[-1], encoding="unicode")
        number = self.put(content, **header)
        return result(operation, self.envelopes[number].xml(f"{operation}Result", HUB))

    def _number(self, body):
        return self.envelopes[body.findtext("hub:hubTrackingNumber", None, NS)]

    def _pending(self):
        return [kept for kept in self.envelopes.values() if kept.state == "PendingDelivery"]

    def _headers(self, operation, kept):
        inside = "".join(each.xml("EnvelopeHeader") for each in kept)
        return response(operation, f"<h:{operation}Result>{inside}</h:{operation}Result>")

    def GetImportEnvelopeHeaders(self, body):  # noqa: N802 - named as the operation
        country = body.findtext("hub:countryCode", None, NS)
        waiting = [kept for kept in self._pending() if country in (None, kept.header["To"])]
        return self._headers("GetImportEnvelopeHeaders", waiting)

    def GetUnderDeliveryEnvelope(self, _):  # noqa: N802
        return self._headers("GetUnderDeliveryEnvelope", self._pending())

    def PULLSingleImportEnvelope(self, body):  # noqa: N802
        kept = self._number(body).xml("PULLSingleImportEnvelopeResult", HUB, content=True)
        return result("PULLSingleImportEnvelope", kept)

    def PULLImportEnvelope(self, _):  # noqa: N802
        inside = "".join(kept.xml("Envelope", content=True) for kept in self._pending())
        return response("PULLImportEnvelope", f"<h:PULLImportEnvelopesResult>{inside}</h:PULLImportEnvelopesResult>")

    def GetEnvelopeTrackingInfo(self, body):  # noqa: N802
        number = body.findtext("hub:hubTrackingNumber", None, NS)
        nothing = Kept(dict(zip(FIELDS, ("", "", "0", "0", ""), strict=True)), "", number, "EnvelopeNotExists")
        kept = self.envelopes.get(number, nothing)
        return result("GetEnvelopeTrackingInfo", kept.xml("GetEnvelopeTrackingInfoResult", HUB))

    def SetTrackingInfoUpdate(self, body):  # noqa: N802
        header = body.find("hub:header", NS)
        self.envelopes[header.findtext("ent:hubDeliveryNumber", None, NS)].state = header.findtext(
            "ent:HUBTrackingInfo", None, NS
        )
        return response("SetTrackingInfoUpdate", "")

    def AcknowledgeEnvelopeReceipt(self, body):  # noqa: N802
        self._number(body).state = "Delivered"
        return response("AcknowledgeEnvelopeReceipt", "")

    def AcknowledgeFailedEnvelopeReceipt(self, body):  # noqa: N802
        kept = self._number(body)
        kept.state, kept.message = "DeliveredNotReadable", body.findtext("hub:message", None, NS)
        return response("AcknowledgeFailedEnvelopeReceipt", "<h:return>noted</h:return>")

    def AdvancedAcknowledgeEnvelopeReceipt(self, body):  # noqa: N802
        kept = self._number(body)
        kept.state, kept.message = "DeliveredWithWarnings", body.findtext("hub:warningMessage", None, NS)
        return response("AdvancedAcknowledgeEnvelopeReceipt", "<h:return>noted</h:return>")

    def ValidatePhytoXML(self, _):  # noqa: N802
        finding = "<area>Mapping</area><field>Box 5</field><level>WARNING</level><msg>unknown code</msg>"
        return response("ValidatePhytoXML", f"<h:ValidationResult>{finding}</h:ValidationResult>")

    def GetActiveNppos(self, _):  # noqa: N802
        inside = f'<x:Nppo xmlns:x="{ENT}">{NPPO}</x:Nppo><x:Nppo xmlns:x="{ENT}" xmlns:i="{XSI}" i:nil="true"/>'
        return response("GetActiveNppos", f"<h:GetActiveNpposResult>{inside}</h:GetActiveNpposResult>")

    def GetProfile(self, _):  # noqa: N802
        return response("GetProfile", f'<h:GetProfileResult xmlns:x="{ENT}">{NPPO}</h:GetProfileResult>')

    def GetAvailableChannels(self, _):  # noqa: N802
        inside = '<x:Channel Receive="true" Send="false"><x:Code>C1</x:Code><x:Name>One</x:Name></x:Channel>'
        return response(
            "GetAvailableChannels",
            f'<h:GetAvailableChannelsResult xmlns:x="{ENT}">{inside}</h:GetAvailableChannelsResult>',
        )


XSI = "http://www.w3.org/2001/XMLSchema-instance"
NPPO = (
    "<x:Country>AR</x:Country><x:Receive>true</x:Receive><x:Send>false</x:Send>"
    '<x:AllowedDocument active="true"><certificateType number="851" value="Phyto"/>'
    '<certificateStatus number="70" value="Issued"/></x:AllowedDocument>'
    "<x:Signature><dn>CN=invented</dn><certificate>AAAA</certificate></x:Signature>"
    '<x:ChannelRules><x:ChannelRule id="4" active="true" ruleType="FORWARD" certificateType="851"'
    ' certificateStatus="70" countryCode="NL" direction="OUT"/></x:ChannelRules>'
)


def response(operation, inside):
    return f'<h:{operation}Response xmlns:h="{HUB}">{inside}</h:{operation}Response>'


def result(operation, inside):
    return response(operation, inside)


def exception(text, code="Server"):
    detail = f'<n:HubWebException xmlns:n="{HUB}"><n:message>{escape(text)}</n:message></n:HubWebException>'
    words = f"<faultcode>S:{code}</faultcode><faultstring>{escape(text)}</faultstring>"
    return f"<S:Fault>{words}<detail>{detail}</detail></S:Fault>"


def lost(_, answer):
    """The work is done and the connection breaks within the answer."""
    return 200, answer, 20


def slow(seconds):
    """The answer comes after the client's patience."""

    def lie(_, answer):
        time.sleep(seconds)
        return answer

    return lie


def fault(text="no", code="Server", status=500):
    """The work is done (or not: the caller cannot know) and an exception is the answer."""
    return lambda _, __: (status, exception(text, code), None)


def page(status, text="maintenance"):
    """Something in between answers."""
    return lambda _, __: (status, text, None)


def header_with(**changes):
    """The honest answer about the newest envelope, with other words in it."""

    def lie(hub, operation):
        def answer(_, __):
            kept = list(hub.envelopes.values())[-1]
            return result(operation, kept.xml(f"{operation}Result", HUB, **changes))

        hub.lies[operation].append(answer)

    return lie
