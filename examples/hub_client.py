"""A client of the ePhyto hub's contract: zeep, the published WSDL, a client certificate. None of the gateway's code.

python examples/hub_client.py https://127.0.0.1:8443 client.pem client.key hub-root.pem certificate.xml

It sends the certificate to the country of import that stands in it and asks what became of it; then it takes whatever
waits for its own country. The WSDL is the hub's own contract: the address alone decides which hub this talks to.
"""

import base64
import re
import sys
from pathlib import Path
from urllib.parse import quote

import requests
import zeep
from lxml import etree
from zeep.exceptions import Error, Fault

RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
SPS = "urn:un:unece:uncefact:data:standard:SPSCertificate:17"
HUB = "http://ephyto.ippc.int/"
NAMES = {"ram": RAM, "sps": SPS}


def client_for(address, certificate, key, root):
    """A client whose TLS connections show the certificate: the contract has no other sign-in, and no SOAP header."""
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE of the environment would go before the root given here
    session.cert = (certificate, key)
    session.verify = root
    service = f"{address.rstrip('/').removesuffix('/hub/DeliveryService')}/hub/DeliveryService"
    return zeep.Client(
        f"{service}?wsdl",
        transport=zeep.Transport(session=session, operation_timeout=60),
        settings=zeep.Settings(xml_huge_tree=True),  # attachments: more than libxml2's ten million characters
    ).service


def parse(text):
    """The document in a text. What its XML declaration says of an encoding is not so any more: it is text already."""
    return etree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode(), etree.XMLParser(huge_tree=True))


def envelope_of(text):
    """The header that the hub routes by, from the certificate itself; ``text`` goes along as Content."""
    root = parse(text)

    def read(path):
        return root.findtext(path, "", NAMES)

    return {
        "From": read("sps:SPSConsignment/ram:ExportSPSCountry/ram:ID"),
        "To": read("sps:SPSConsignment/ram:ImportSPSCountry/ram:ID"),
        "CertificateType": int(read("sps:SPSExchangedDocument/ram:TypeCode")),
        "CertificateStatus": int(read("sps:SPSExchangedDocument/ram:StatusCode")),
        "NPPOCertificateNumber": read("sps:SPSExchangedDocument/ram:ID"),
        "Content": text,
    }


def read_content(content):
    """The document in a pulled envelope: hubs hand it out as XML text or as Base64 of it.

    Raises:
        ValueError: neither.
    """
    try:
        return parse(content or "")
    except etree.XMLSyntaxError:
        pass
    try:
        return parse(base64.b64decode(content or "").decode())
    except etree.XMLSyntaxError as error:
        raise ValueError("neither XML nor Base64 of it") from error


def send(service, text):
    """Validate, deliver, and ask for the state. Delivery answers at once; the receiver takes its time."""
    for finding in service.ValidatePhytoXML(ePhytoXML=text) or ():
        print(f"  {finding.level} {finding.area} {finding.field or ''}: {finding.msg}")
    header = service.DeliverEnvelope(env=envelope_of(text))
    print(f"delivered {header.NPPOCertificateNumber} to {header.To}: {header.HUBTrackingInfo}")
    if header.HUBTrackingInfo == "FailedDelivery":  # an answer, not a fault: the header was refused
        print("  because:", header.hubDeliveryErrorMessage)
        return
    tracked = service.GetEnvelopeTrackingInfo(hubTrackingNumber=header.hubDeliveryNumber)
    print(f"  hub's number {tracked.hubDeliveryNumber}, now {tracked.HUBTrackingInfo}")


def receive(service):
    """Pull what waits, keep it, then acknowledge: what is acknowledged is gone from the hub."""
    waiting = (
        service.GetImportEnvelopeHeaders() or []
    )  # zeep makes a list of the contract's arrays, None of an empty one
    print("waiting for us:", len(waiting))
    for header in waiting:
        number = header.hubDeliveryNumber
        envelope = service.PULLSingleImportEnvelope(hubTrackingNumber=number)
        try:
            document = read_content(envelope.Content)
        except ValueError as error:
            service.AcknowledgeFailedEnvelopeReceipt(hubTrackingNumber=number, message=str(error))
            print(f"  {number}: not readable")
            continue
        file = Path(f"envelope-{quote(number, safe='')}.xml")
        file.write_bytes(etree.tostring(document, encoding="UTF-8", xml_declaration=True))
        service.AcknowledgeEnvelopeReceipt(hubTrackingNumber=number)
        print(f"  {number}: {etree.QName(document).localname} {header.NPPOCertificateNumber} from {header.From}")


def main(address, certificate, key, root, file):
    """Send one certificate, take what waits."""
    try:
        service = client_for(address, certificate, key, root)
        print("organisations at this hub:", ", ".join(nppo.Country for nppo in service.GetActiveNppos() or []))
        send(service, Path(file).read_text("utf-8"))
        receive(service)
    except Fault as fault:  # HubWebException: its message says what and where; a certificate that nobody registered too
        told = fault.detail.findtext(f".//{{{HUB}}}message") if fault.detail is not None else None
        print("refused:", told or fault.message)
        return 1
    except (Error, etree.XMLSyntaxError, OSError) as error:  # a file, the network, or TLS
        print("not sent:", error)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
