"""A PKI made in code, a fixed clock, and sealed documents of the third country."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gateway.sandbox.pki import Authority, Credential
from gateway.sandbox.tsa import TimestampAuthority
from gateway.trust import Anchor, Level, Purpose, Sealer, TimestampClient, TrustStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

SPS = "urn:un:unece:uncefact:data:standard:SPSCertificate:17"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
DOCUMENT = (
    f'<sps:SPSCertificate xmlns:sps="{SPS}" xmlns:ram="{RAM}">\n'
    "  <sps:SPSExchangedDocument><ram:ID>AR-2026-0001</ram:ID><ram:TypeCode>851</ram:TypeCode>"
    "<ram:Remarks>fresh pears &amp; açaí</ram:Remarks></sps:SPSExchangedDocument>\n"
    "  <sps:SPSConsignment><ram:GrossWeightMeasure unitCode='KGM'>120</ram:GrossWeightMeasure></sps:SPSConsignment>\n"
    "</sps:SPSCertificate>"
).encode()


@dataclass(frozen=True)
class World:
    """Two authorities that know nothing of each other, and what hangs below the first."""

    root: Authority
    issuing: Authority
    stranger: Authority
    signer: Credential
    tsa: TimestampAuthority
    tsa_root: Authority

    def anchor(self, **changes) -> Anchor:
        given = {
            "name": "country",
            "certificate_der": self.root.certificate_der,
            "purposes": frozenset({Purpose.SEAL}),
            "level": Level.ADVANCED,
        }
        return Anchor(**(given | changes))

    def stamp_anchor(self, **changes) -> Anchor:
        given = {
            "name": "time",
            "certificate_der": self.tsa_root.certificate_der,
            "purposes": frozenset({Purpose.TIMESTAMP}),
            "level": Level.QUALIFIED,
        }
        return Anchor(**(given | changes))

    def trust(self, **changes) -> TrustStore:
        return TrustStore([self.anchor(**changes), self.stamp_anchor()])

    def stamper(self, authority: TimestampAuthority | None = None) -> TimestampClient:
        authority = authority or self.tsa
        return TimestampClient(["http://tsa.invalid"], self.trust(), lambda _url, query: authority.answer(query))

    def sealer(self, credential: Credential | None = None, *, stamped: bool = False) -> Sealer:
        credential = credential or self.signer
        timestamper = self.stamper() if stamped else None
        return Sealer(credential.key, credential.certificate_der, credential.chain_der, timestamper)

    def stamp(self, data: bytes, at: datetime = NOW) -> bytes:
        return self.stamper().stamp(data, at)


@pytest.fixture(scope="session")
def world() -> World:
    root = Authority("Root of the country", now=NOW, country="AR")
    issuing = Authority("Issuing", now=NOW, country="AR", parent=root)
    tsa_root = Authority("Root of time", now=NOW)
    return World(
        root=root,
        issuing=issuing,
        stranger=Authority("Somebody else", now=NOW),
        signer=issuing.seal("Authority of the country"),
        tsa=TimestampAuthority(tsa_root.timestamping("Clock"), clock=lambda: NOW),
        tsa_root=tsa_root,
    )


@pytest.fixture(scope="session")
def sealed(world) -> bytes:
    return world.sealer().seal(DOCUMENT, at=NOW - timedelta(minutes=1))


@pytest.fixture(scope="session")
def stamped(world) -> bytes:
    return world.sealer(stamped=True).seal(DOCUMENT, at=NOW - timedelta(minutes=1))


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def document() -> bytes:
    return DOCUMENT


@pytest.fixture
def document_digest() -> bytes:
    from lxml import etree  # noqa: PLC0415 - the only place that computes it by other means

    return hashlib.sha256(etree.tostring(etree.fromstring(DOCUMENT), method="c14n", exclusive=True)).digest()
