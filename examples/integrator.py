"""An integrator's client: zeep, the published WSDL, an account, a sealed file. None of the gateway's code.

python examples/integrator.py http://127.0.0.1:8080 third-country secrets/third-country.txt sealed.xml
"""

import hashlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import zeep
from lxml import etree
from zeep.exceptions import Fault
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
SPS = "urn:un:unece:uncefact:data:standard:SPSCertificate:17"


def client_for(address, username, password):
    """A client whose calls carry a UsernameToken with PasswordDigest; make one per call, the timestamp ages."""
    now = datetime.now(UTC)
    stamp = WSU.Timestamp(WSU.Created(f"{now:%Y-%m-%dT%H:%M:%SZ}"))
    stamp.append(WSU.Expires(f"{now + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"))
    token = UsernameToken(username, password, use_digest=True, timestamp_token=stamp)
    address = address.rstrip("/").removesuffix("/CertificateExchange")
    return zeep.Client(f"{address}/CertificateExchange?wsdl", wsse=token).service


def identity_of(document):
    """Issuer country, type and number, as the gateway reads them."""
    root = etree.fromstring(document)
    names = {"ram": RAM, "sps": SPS}
    return {
        "IssuerCountry": root.findtext(".//ram:IssuerSPSParty/ram:SpecifiedSPSAddress/ram:CountryID", None, names)
        or root.findtext("sps:SPSConsignment/ram:ExportSPSCountry/ram:ID", None, names),
        "TypeCode": root.findtext("sps:SPSExchangedDocument/ram:TypeCode", None, names),
        "ID": root.findtext("sps:SPSExchangedDocument/ram:ID", None, names),
    }


def main(address, username, secret_file, sealed_file):
    """Validate, submit, ask for the status, read back."""

    def service():
        return client_for(address, username, password)

    try:
        password = Path(secret_file).read_text().strip()
        sealed = Path(sealed_file).read_bytes()
        message_id = f"mine-{hashlib.sha256(sealed).hexdigest()[:32]}"  # the same for a repeat of the same file
        checked = service().ValidateCertificate(SealedDocument=sealed)
        print("acceptable:", checked.Acceptable)
        for finding in checked.Finding:
            print(f"  {finding.Severity} {finding.Rule}: {finding.Message} {finding.Path or ''}")
        acknowledged = service().SubmitCertificate(SealedDocument=sealed, MessageID=message_id)
        print("acknowledged with status:", acknowledged.SPSAcknowledgementDocument["StatusCode"]["_value_1"])
        status = service().GetCertificateStatus(Document=identity_of(sealed))
        print("exchange:", status.ExchangeID)
        for delivery in status.Delivery:
            print(f"  to {delivery.Partner}: {delivery.State}")
        given = service().GetCertificate(Document=identity_of(sealed))
        print("read back, equal:", given.SealedDocument == sealed)
    except Fault as fault:
        detail = fault.detail[0] if fault.detail is not None and len(fault.detail) else ()
        findings = [part for part in detail if etree.QName(part).localname == "Finding"]
        facts = {etree.QName(part).localname: part.text for part in detail}
        print("refused:", facts.get("Code", fault.code), facts.get("Message", fault.message))
        for name in ("Where", "Found", "Expected", "WhatToDo", "Retry"):
            if facts.get(name):
                print(f"  {name}: {facts[name]}")
        for finding in findings:
            said = {etree.QName(part).localname: part.text for part in finding}
            words = (said.get(name) for name in ("Rule", "Path", "Found", "Message", "Expected"))
            print("  -", "; ".join(word for word in words if word))
        return 1
    except OSError as error:  # a file, or the network: what requests raises is one too
        print("not sent:", error)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
