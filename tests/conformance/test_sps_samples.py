"""Every well-formed SPS document under the contracts folder, with its verdict and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from lxml import etree

from gateway.documents import SpsCertificate, normalise_order
from gateway.xml.schemas import SchemaName, explain, is_valid

CHED = "traces-nt/ched"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    file: str
    strict: bool
    reason: str
    """Why strict refuses it: the place of the first breach, or what makes it pass."""
    andean: bool
    rules: frozenset[str]
    """What the tolerant reader says."""
    identity: str | None


VERDICTS = [
    Verdict(
        file="andean-sps17/samples/SPSCertificate.xml",
        strict=True,
        reason="in UN order",
        andean=True,
        rules=frozenset(["SPS-NULL"]),
        identity="CO/851/123456789CO",
    ),
    Verdict(
        file="andean-sps17/samples/SPSCertificate-signed.xml",
        strict=True,
        reason="in UN order, with ds:Signature last",
        andean=True,
        rules=frozenset(["SPS-NULL"]),
        identity="CO/851/123456789CO",
    ),
    Verdict(
        file="ippc-hub/ephyto-full-feature.xml",
        strict=False,
        reason="ram:ReferenceSPSReferencedDocument[1]",  # after the signatory; the consignor after transit is next
        andean=False,
        rules=frozenset(["SPS-EMPTY", "SPS-ORDER", "SPS-BARE-DATE", "SPS-UNKNOWN"]),
        identity="AR/851/123ABC",
    ),
    Verdict(
        file=f"{CHED}/CreateAndSubmitChedForDecision-0101-Horse.xml",
        strict=False,
        reason="ram:IncludedSPSNote",  # where the issuer should stand: a submission has none
        andean=False,
        rules=frozenset(["SPS-EMPTY", "SPS-BARE-DATE"]),
        identity=None,
    ),
    Verdict(
        file=f"{CHED}/CreateAndSubmitChedForDecision-0101-Horse-Replacing-CHEDA.ES.2019.0000011.xml",
        strict=False,
        reason="ram:IncludedSPSNote",  # the same
        andean=False,
        rules=frozenset(["SPS-EMPTY", "SPS-BARE-DATE"]),
        identity=None,
    ),
    Verdict(
        file=f"{CHED}/GetChedResponse_CHEDA.template.xml",
        strict=False,
        reason="ram:ReferenceSPSReferencedDocument[2]/ram:IssueDateTime",  # bare text
        andean=False,
        rules=frozenset(["SPS-EMPTY", "SPS-BARE-DATE"]),
        identity="FR/636/{{CHED_ID}}",
    ),
    Verdict(
        file=f"{CHED}/GetChedResponse_CHEDPP.XI.2026.0000064.xml",
        strict=False,
        reason="ram:ImportSPSCountry/ram:ID",  # empty
        andean=False,
        rules=frozenset(["SPS-EMPTY"]),
        identity="XI/636/CHEDPP.XI.2026.0000064",
    ),
    Verdict(
        file="traces-nt/intra/GetEuIntraCertificateResponse.xml",
        strict=False,
        reason="SPSCertificate",  # INTRA"s own wrapper is no root of UN
        andean=False,
        rules=frozenset(["SPS-EMPTY", "SPS-NAMESPACE"]),
        identity=None,
    ),
]


def certificates(contracts):
    """Every well-formed file with a certificate in it: file -> the certificate."""
    found = {}
    for file in sorted(contracts.rglob("*.xml")):
        try:
            root = etree.parse(file).getroot()
        except etree.XMLSyntaxError:
            continue
        certificate = next(root.iter("{*}SPSCertificate"), None)
        if certificate is not None:
            found[file.relative_to(contracts).as_posix()] = certificate
    return found


def test_every_sample_has_a_verdict(contracts):
    assert set(certificates(contracts)) == {verdict.file for verdict in VERDICTS}


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.file.rsplit("/", 1)[-1])
def test_the_strict_schema(contracts, andean, verdict):
    certificate = certificates(contracts)[verdict.file]
    assert is_valid(SchemaName.SPS_STRICT, certificate) is verdict.strict
    assert andean.validate(certificate) is verdict.andean
    if not verdict.strict:
        assert explain(SchemaName.SPS_STRICT, certificate, allow_slow=False).path.endswith(verdict.reason)


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.file.rsplit("/", 1)[-1])
def test_the_tolerant_path_reads_every_sample(contracts, verdict):
    certificate = certificates(contracts)[verdict.file]
    before = etree.tostring(certificate)
    ordered, findings = normalise_order(certificate)
    assert etree.tostring(certificate) == before
    assert is_valid(SchemaName.SPS_TOLERANT, ordered)
    assert {finding.rule for finding in findings} == verdict.rules
    identity = SpsCertificate(ordered).identity
    assert (str(identity) if identity else None) == verdict.identity


def test_the_hub_sample_breaks_order_where_the_digest_says(contracts):
    _, findings = normalise_order(certificates(contracts)["ippc-hub/ephyto-full-feature.xml"])
    disorder = {
        finding.path.rsplit("/", 2)[1].split(":")[1]: finding for finding in findings if finding.rule == "SPS-ORDER"
    }
    assert disorder["SPSExchangedDocument"].expected == "before ram:SignatorySPSAuthentication"
    assert disorder["SPSConsignment"].expected == "before ram:TransitSPSCountry"


def test_nothing_that_the_hub_sample_says_is_lost_in_reordering(contracts):
    certificate = certificates(contracts)["ippc-hub/ephyto-full-feature.xml"]
    ordered, findings = normalise_order(certificate)
    unknown = [finding.path for finding in findings if finding.rule == "SPS-UNKNOWN"]
    assert len(unknown) == 1
    assert unknown[0].endswith("ram:AppliedSPSProcess/ram:AdditionalInformationSPSNote")
    said = sorted(text.strip() for text in certificate.itertext() if text.strip())
    read = sorted(text.strip() for text in ordered.itertext() if text.strip())
    for text in read:
        said.remove(text)
    assert said == ["DMTLIL", "Lot number 8888"]


def test_the_acknowledgement_of_traces_fits_the_tolerant_schema(contracts, un17a):
    root = etree.parse(contracts / CHED / "SubmitChedResponse.template.xml").getroot()
    wrapper = next(root.iter("{*}SPSAcknowledgement"))  # TRACES wraps it in its own namespace
    namespace = "urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17"
    acknowledgement = etree.Element(f"{{{namespace}}}SPSAcknowledgement")
    acknowledgement.append(wrapper[0])
    next(acknowledgement.iter("{*}DateTime")).text = "2026-04-27T10:36:34.986+02:00"
    assert is_valid(SchemaName.ACK_TOLERANT, acknowledgement)
    assert is_valid(SchemaName.ACK, acknowledgement)
    assert un17a["SPSAcknowledgement"].validate(acknowledgement)
