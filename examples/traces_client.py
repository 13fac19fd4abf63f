"""A client of TRACES NT's contracts for CHEDs: zeep, the published WSDLs, an account. None of the gateway's code.

python examples/traces_client.py http://127.0.0.1:8080 account secret.txt operator OPNL0001 ched.xml report.pdf

It hands in the file and a CHED that cites it, for the operator (or authority) named, finds it by its local reference,
reads it, asks for its status, and fetches the PDF and the file. The base URL alone decides which TRACES this talks to.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import zeep
from lxml import etree
from zeep.exceptions import Error, Fault
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
SPS = "urn:un:unece:uncefact:data:standard:SPSCertificate:17"
ERR = "http://ec.europa.eu/sanco/tracesnt/error/v01"
NAMES = {"ram": RAM, "sps": SPS}
CHED = "ChedCertificateServiceV2"
SUBMISSION = "ChedCertificateSubmissionServiceV2"
FILES = "CertificateAttachmentsV1"
KINDS = {"operator": "OperatorAccessIdentifier", "authority": "AuthorityActivityAccessIdentifier"}


class Traces:
    """The services below one base URL, for one account and one body."""

    def __init__(self, base, username, password, kind, body):
        self.base = f"{base.rstrip('/')}/tracesnt/ws"
        self.account = (username, password)
        self.headers = {"webServiceClientId": username, "languageCode": "en", "bodyIdentity": {KINDS[kind]: body}}
        self.clients = {}

    def client(self, service):
        """Each description is read once."""
        if service not in self.clients:
            transport = zeep.Transport(operation_timeout=60)
            self.clients[service] = zeep.Client(f"{self.base}/{service}?wsdl", transport=transport)
        return self.clients[service]

    def call(self, service, operation, **parameters):
        """One call; its Timestamp is made for it and good for two minutes."""
        now = datetime.now(UTC)
        stamp = WSU.Timestamp(WSU.Created(f"{now:%Y-%m-%dT%H:%M:%SZ}"))
        stamp.append(WSU.Expires(f"{now + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"))
        client = self.client(service)
        client.wsse = UsernameToken(*self.account, use_digest=True, timestamp_token=stamp)
        answer = client.service[operation](**parameters, _soapheaders=self.headers)
        return answer if client.settings.raw_response else answer.body

    def typed(self, service, root):
        """The certificate as zeep's values."""
        client = self.client(service)
        return client.get_element(f"{{{SPS}}}SPSCertificate").parse(root, client.wsdl.types)


def cite(root, name, number):
    """Put the file into the first accompanying document of box I.9."""
    path = ".//ram:ReferenceSPSReferencedDocument[ram:RelationshipTypeCode='ZZZ']"
    document = root.find(path, NAMES)
    if document is None:
        raise ValueError("the CHED names no accompanying document (box I.9) that could cite the file")
    for old in document.findall("ram:AttachmentBinaryObject", NAMES):
        document.remove(old)
    file = etree.Element(f"{{{RAM}}}AttachmentBinaryObject", uri=f"uri:documentid:{number}", filename=name)
    document.find("ram:ID", NAMES).addnext(file)


def local_reference(root):
    """Box I.3, the national system's own number."""
    path = ".//ram:ReferenceSPSReferencedDocument[ram:RelationshipTypeCode='AVZ']/ram:ID"
    return root.findtext(path, "", NAMES)


def told(answer):
    """What the submission led to: its reference, and the local one of a contingency document while TRACES is away."""
    document = answer.SPSAcknowledgement.SPSAcknowledgementDocument
    own = next(each for each in document.ReferenceSPSReferencedDocument if value(each.RelationshipTypeCode) == "CAW")
    print(f"taken as {value(own.ID)}, status {value(document.StatusCode)}")
    for reason in document.ReasonInformation:
        print("  ", reason["_value_1"])
    return value(own.ID)


def value(elements):
    """The text of the first of them."""
    return (elements[0]["_value_1"] if elements else "") or ""


def fetch(traces, reference):
    """What an operator looks at: the CHED, its status, its PDF, and the files that it cites."""
    certificate = traces.call(CHED, "getChedCertificate", ID=reference).SPSCertificate
    document = certificate.SPSExchangedDocument
    known = value(document.ID[-1:]) or f"{reference}, which has no I.2 yet"
    print(f"read {known}, last changed as {document.StatusCode[0]['name']}")
    status = traces.call(CHED, "getChedCertificateStatus", ID=reference)
    print(f"status {status.Status['_value_1']} since {status.StatusChangeDateTime:%Y-%m-%d %H:%M:%S}")
    for cited in document.ReferenceSPSReferencedDocument:
        for file in cited.AttachmentBinaryObject:
            if (file.uri or "").startswith("uri:documentid:"):
                number = file.uri.rpartition(":")[2]
                got = traces.call(FILES, "getCertificateAttachment", FileName=file.filename, DocumentId=number)
                print(f"file {got.fileName}, {len(got.Attachment)} bytes")
    pdf = traces.call(CHED, "getChedPdfCertificate", ID=reference)
    Path(f"{quote(reference, safe='')}.pdf").write_bytes(pdf.Attachment["_value_1"])
    print(f"PDF {len(pdf.Attachment['_value_1'])} bytes")


def refused(fault):
    """What and where: UnauthenticatedException has no detail, every other refusal an Error for each thing."""
    print("refused:", fault.message)
    for error in fault.detail.iter(f"{{{ERR}}}Error") if fault.detail is not None else ():
        print("  ", *(error.findtext(f"{{{ERR}}}{name}") for name in ("ID", "Field", "Message")))


def main(base, username, secret_file, kind, body, ched_file, *attachments):
    """Hand in, find, read, fetch."""
    try:
        traces = Traces(base, username, Path(secret_file).read_text().strip(), kind, body)
        root = etree.parse(ched_file).getroot()
        for file in map(Path, attachments[:1]):
            content = file.read_bytes()
            named = {"fileName": file.name, "contentType": "application/pdf"}
            kept = traces.call(FILES, "submitCertificateAttachment", Attachment=content, **named)
            cite(root, kept.FileName, kept.DocumentId)
            print("file kept as", kept.DocumentId)
        typed = traces.typed(SUBMISSION, root)
        reference = told(traces.call(SUBMISSION, "createAndSubmitForDecision", SPSCertificate=typed))
        local = local_reference(root)
        if local:
            criteria = {"Type": ["A", "P", "PP", "D"], "LocalReference": local}
            for each in traces.call(CHED, "findChedCertificate", **criteria).ChedCertificateResult:
                print(f"found {each.ID or each.LocalReference}, {each.Type['name']}, {each.Status['name']}")
        fetch(traces, reference or local)
    except Fault as fault:
        refused(fault)
        return 1
    except (Error, etree.XMLSyntaxError, OSError, ValueError) as error:  # a file, the network
        print("not sent:", error)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
