"""INTRA certificates and DOCOMs of an instance: its own, and those that it read from another (DIGEST 5.3, 5.4).

They have no submission in any public contract: an authority's own system issues them. So they come here as files that
the operator of the instance takes over, or from the instance upstream, and are read by the same rules as CHEDs.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from gateway.ched.access import Sight, is_shown_masked, require_sight, visibility_of
from gateway.ched.codes import Codes
from gateway.ched.identities import named_keys
from gateway.ched.models import ChedContent
from gateway.ched.projection import shown_row, without_personal_data
from gateway.ched.rows import commodities_of, instant
from gateway.documents.ched import read_ched
from gateway.errors import AccessDenied, ChedRefused
from gateway.store import (
    ChedRow,
    ChedWrite,
    RecordedKind,
    ched_by_reference,
    ched_versions,
    find_cheds,
    new_id,
    read_ched_by_reference,
    record_ched,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise
from gateway.xml.names import DOCOM1, INTRA1, SPS17
from gateway.xml.roots import rewrap
from gateway.xml.schemas import SchemaName, validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.models import Actor
    from gateway.documents.ched import Ched, ChedParty
    from gateway.exchange import Context
    from gateway.store import ChedQuery, Cursors, Recorded

__all__ = ["CertificateKind", "CertificateLibrary", "CertificateRenderer", "CertificateSource"]


class CertificateKind(Enum):
    """The two, by the type that the store knows them by."""

    INTRA = ("INTRA", "856", INTRA1)
    DOCOM = ("DOCOM", "332", DOCOM1)

    def __init__(self, name: str, type_code: str, namespace: str) -> None:
        self.type = name
        self.type_code = type_code
        """UN/EDIFACT 1001."""
        self.namespace = namespace
        """Of the root on the wire; kept, it is SPSCertificate 17's."""

    @classmethod
    def of(cls, reference: str) -> CertificateKind:
        """The kind by the number: ``INTRA.EU.CC.YYYY.N``, ``DOCOM.CC.YYYY.N``.

        Raises:
            ChedRefused: IMG-7201 the number is neither.
        """
        for kind in cls:
            if reference.startswith(f"{kind.type}."):
                return kind
        raise ChedRefused("IMG-7201", where="ID", found=reference, expected="INTRA.… or DOCOM.…")


MAX_OWN: Final = 1000
"""Certificates of this instance that a search lists before those of the upstream."""


class CertificateSource(Protocol):
    """Another instance that is asked for what is not here."""

    def certificate(self, kind: CertificateKind, reference: str, actor: Actor) -> ChedContent:
        """The certificate, its root in SPSCertificate 17, with its laboratory tests.

        Raises:
            GatewayError: as the other instance refused, or DeliveryError when it does not answer.
        """

    def find_certificates(self, kind: CertificateKind, query: ChedQuery, actor: Actor) -> Sequence[ChedRow]:
        """One page, newest first."""


class CertificateRenderer(Protocol):
    """Makes the printable form."""

    def __call__(self, root: _Element, *, language: str, url: str, signed: bool) -> bytes:
        """A PDF.

        Raises:
            ChedRefused: IMG-7207 it is to be signed, and this instance has no key.
        """


class CertificateLibrary:
    """The INTRA certificates and DOCOMs that this instance serves.

    Args:
        context: the services.
        cursors: of its searches.
        portal: address of the electronic versions.
        render: makes PDFs.
        source: the instance upstream; None in the TRACES role.
    """

    def __init__(
        self,
        context: Context,
        cursors: Cursors,
        *,
        portal: str,
        render: CertificateRenderer,
        source: CertificateSource | None = None,
    ) -> None:
        self._context = context
        self._cursors = cursors
        self._portal = portal
        self._render = render
        self._source = source
        self._codes = Codes(context)

    def take(
        self,
        root: _Element,
        *,
        partner: str,
        country: str,
        actor: str,
        now: datetime,
        laboratory_tests: bytes = b"",
    ) -> ChedRow:
        """Keep a certificate as it stands; the same again changes nothing, another version takes its place.

        Args:
            root: the certificate, whatever the namespace of its root; schema-checked here, the bytes kept.
            partner: whose it is: this instance's own id, or the partner that it was read from.
            country: of issue; as the number says it when empty.
            actor: who takes it over, for the audit.
            now: aware.
            laboratory_tests: the blocks that came beside it, serialised.

        Raises:
            SchemaInvalid: IMG-3001 it is no certificate.
            ChedRefused: IMG-7201 its number is of neither kind; IMG-7209 another partner brought this number.
        """
        document = rewrap(root, SPS17)
        validate(SchemaName.SPS_TOLERANT, document, explained=True)
        ched = read_ched(document)
        kind = CertificateKind.of(ched.reference)
        digest = hashlib.sha256(canonicalise(document, algorithm=C14n.EXCLUSIVE) + laboratory_tests).digest()

        def unit(connection: Connection) -> tuple[Recorded | None, ChedRow]:
            before = ched_by_reference(connection, ched.reference)
            if before is not None and before.partner != partner:
                raise ChedRefused("IMG-7209", where="ID", found=ched.reference, expected=f"a number of {partner}")
            row = _row(ched, kind, before, partner=partner, country=country, now=now)
            if before is not None and _same(connection, before, digest):
                return None, before
            write = ChedWrite(
                version_id=new_id(now),
                row=row,
                expected_version=before.version if before is not None else None,
                at=now,
                operation="take",
                partner=actor,
                content=serialise(document),
                laboratory_tests=laboratory_tests,
                digest=digest,
            )
            return record_ched(connection, write), row

        recorded, row = self._context.store.write(unit)
        if recorded is not None and recorded.kind is RecordedKind.CONFLICT:
            raise ChedRefused("IMG-7202", where="ID", found=ched.reference)
        return row

    def read(self, actor: Actor, kind: CertificateKind, reference: str) -> ChedContent:
        """The certificate, projected to what the actor may see, in the codes of its system.

        Raises:
            ChedRefused: IMG-7201 there is none of this kind.
            AccessDenied: IMG-2110.
            TranslationRefused: IMG-60xx, the system has no such code.
        """
        return self._codes.own(actor, self._seen(actor, kind, reference))

    def _seen(self, actor: Actor, kind: CertificateKind, reference: str) -> ChedContent:
        with self._context.store.read() as connection:
            found = read_ched_by_reference(connection, reference)
        if found is None or found[0].type != kind.type:
            if self._source is not None and found is None:
                return self._as_shown(actor, self._source.certificate(kind, reference, actor))
            raise ChedRefused("IMG-7201", where="ID", found=reference)
        row, parts = found
        sight = self._sight(actor, row)
        tests = parts.laboratory_tests or b"" if sight is Sight.FULL else b""
        content = ChedContent(reference, row.status_code, parts.content, laboratory_tests=tests)
        return self._as_shown(actor, content, sight)

    def row(self, actor: Actor, kind: CertificateKind, reference: str) -> ChedRow:
        """Status and dates; of what is upstream those that the certificate says.

        Raises:
            ChedRefused, AccessDenied: as `read`.
        """
        with self._context.store.read() as connection:
            row = ched_by_reference(connection, reference)
        if row is not None and row.type == kind.type:
            self._sight(actor, row)
            return row
        content = self._seen(actor, kind, reference)
        ched = read_ched(parse(content.content, limits=self._context.limits).root)
        return _row(ched, kind, None, partner="", country="", now=self._context.clock())

    def find(self, actor: Actor, kind: CertificateKind, query: ChedQuery) -> Sequence[ChedRow]:
        """One page, newest first.

        An instance that has an upstream asks there too: what it issued itself (at most `MAX_OWN` of it) comes first,
        and is not there. Without a body there is nobody whose rights the upstream could know: then only what is here.
        """
        found = self._found(actor, kind, self._codes.asked(actor, query))
        return tuple(self._codes.shown(actor, row) for row in found)

    def _found(self, actor: Actor, kind: CertificateKind, query: ChedQuery) -> Sequence[ChedRow]:
        visibility = replace(visibility_of(actor), refusals=False)
        wanted = replace(query, visibility=visibility, types=(kind.type,))
        if self._source is None or actor.body is None:
            with self._context.store.read() as connection:
                found = find_cheds(connection, wanted, self._cursors)
            return tuple(shown_row(row, self._sight(actor, row)) for row in found)
        with self._context.store.read() as connection:
            rows = find_cheds(connection, replace(wanted, page_size=MAX_OWN, offset=0), self._cursors)
        own = [row for row in rows if row.partner == self._context.policy.instance]
        here = own[query.offset : query.offset + query.page_size]
        further = replace(query, page_size=query.page_size - len(here), offset=max(0, query.offset - len(own)))
        there = self._source.find_certificates(kind, further, actor) if further.page_size else ()
        sight = Sight.MASKED if is_shown_masked(actor) else Sight.FULL
        return tuple(shown_row(row, sight) for row in (*here, *there))

    def pdf(self, actor: Actor, kind: CertificateKind, reference: str, *, signed: bool) -> bytes:
        """The printable form, in the actor's language.

        Raises:
            ChedRefused: as `read`; IMG-7207 no signed one can be made here, or for this reader.
        """
        content = self._seen(actor, kind, reference)
        if signed and content.masked:
            raise ChedRefused("IMG-7207", where="ID", found=reference)
        root = parse(content.content, limits=self._context.limits).root
        return self._render(root, language=actor.language, url=self.url_of(kind, reference), signed=signed)

    def url_of(self, kind: CertificateKind, reference: str) -> str:
        """The electronic version's address (DIGEST 6)."""
        name = "eu-intra" if kind is CertificateKind.INTRA else "docom"
        return f"{self._portal}/certificate/{name}/{reference}"

    def _as_shown(self, actor: Actor, content: ChedContent, sight: Sight = Sight.FULL) -> ChedContent:
        """What another instance gave for a body of ours may still be too much for the partner that asked."""
        if sight is not Sight.MASKED and not is_shown_masked(actor):
            return content
        copy = without_personal_data(parse(content.content, limits=self._context.limits).root)
        return replace(content, content=copy, masked=True, laboratory_tests=b"")

    def _sight(self, actor: Actor, row: ChedRow) -> Sight:
        """As for CHEDs; refusals of entry are none of these."""
        sight = require_sight(actor, row)
        if sight is Sight.REFUSAL:
            raise AccessDenied("IMG-2110", where="ID", found=row.reference)
        return sight


def _same(connection: Connection, before: ChedRow, digest: bytes) -> bool:
    return any(each.id == before.content_id and each.digest == digest for each in ched_versions(connection, before.id))


def _row(
    ched: Ched, kind: CertificateKind, before: ChedRow | None, *, partner: str, country: str, now: datetime
) -> ChedRow:
    """What the certificate is found by."""
    issued = instant(ched.issued) or now
    updated = instant(ched.updated) or now
    country = country or issuer_of(ched.reference)
    origin, destination = country or _country(ched.consignor), _country(ched.destination) or ched.import_country.code
    parties = ched.all_parties
    return ChedRow(
        id=before.id if before is not None else new_id(now),
        reference=ched.reference,
        local_reference=ched.local_reference,
        type=kind.type,
        status_code=ched.status_code,
        purpose=next((purpose.code.code for purpose in ched.purposes), ""),
        partner=partner,
        operators=_distinct(party.identifier for party in parties),
        bodies=tuple(sorted(named_keys(ched))),
        areas=_distinct((origin, destination)),
        sources=_distinct((origin,)),
        targets=_distinct((destination,)),
        dispatch_country=ched.dispatch_country.code,
        origin_countries=_distinct(each.code for each in ched.origins),
        destination_country=destination,
        issuance_country=country,
        consignor_country=_country(ched.consignor),
        consignor_name=ched.consignor.name if ched.consignor is not None else "",
        consignee_country=_country(ched.consignee),
        consignee_name=ched.consignee.name if ched.consignee is not None else "",
        commodities=commodities_of(ched.lines),
        signed=ched.status_code in _SIGNED,
        created_at=issued,
        updated_at=updated,
        status_changed_at=updated,
        declared_at=instant(ched.declaration.signed) if ched.declaration is not None else None,
    )


def issuer_of(reference: str) -> str:
    """The country of issue as the number says it: ``CC`` of ``INTRA.EU.CC.YYYY.N`` and of ``DOCOM.CC.YYYY.N``."""
    found = _NUMBER.fullmatch(reference)
    return found[1] if found is not None else ""


_NUMBER = re.compile(r"(?:INTRA\.EU|DOCOM)\.([A-Z]{2})\.[0-9]{4}\..+")
_SIGNED = frozenset({"70", "86"})
"""INTRA valid, DOCOM signed (DIGEST 6)."""


def _country(party: ChedParty | None) -> str:
    return party.address.country if party is not None else ""


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))
