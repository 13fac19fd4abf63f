"""Certificates of the exchange, and partners whose systems ask in codes of their own. All invented."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from dataclasses import replace
from types import SimpleNamespace

from gateway.access import CustomsMembership
from gateway.access.models import CountryPair, Partner, PartnerKind
from gateway.documents.ched import AccompanyingDocument, Coded
from gateway.exchange import Principal
from gateway.single_window.access import customs_actor
from gateway.single_window.lookup_models import Window
from gateway.single_window.lookups import CONTRACT, Lookups
from gateway.store import DocumentKey, Form, Submission, new_id, record_submission

_numbers = itertools.count(1)


def fresh(prefix="XI-PHYTO"):
    """A number that no other document has."""
    return f"{prefix}-{next(_numbers):05}"


def cited(number, type_code="851", country="ZA", relation="ZZZ"):
    """A document of box I.9."""
    return AccompanyingDocument(Coded(type_code), relation, number, country=country, issued="2026-09-01")


def certificate(world, number, *, issuer="ZA", type_code="851", status="70", importer="XI", before=None, replaces=None):
    """Keep a certificate, or its next status, as if its sender had submitted it."""
    content = secrets.token_bytes(8)
    submission = Submission(
        exchange_id=new_id(world.now),
        partner="za-sender",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=world.now,
        request=content,
        acknowledgement=content,
        document=DocumentKey(issuer, type_code, number),
        status_code=status,
        expected_status=before,
        digest=hashlib.sha256(content).digest(),
        content=content,
        form=Form.INLINE,
        import_country=importer,
        replaces=DocumentKey(issuer, type_code, replaces) if replaces else None,
        replaces_expected="70" if replaces else None,
        replaced_status="44" if replaces else None,
    )
    assert world.store.write(lambda connection: record_submission(connection, submission)).kind == "new"


def partner(system="traces", countries=("XI",), name="customs-asking", **changes):
    """A customs system; ``countries=None`` gives it no customs table."""
    membership = None if countries is None else CustomsMembership(offices=("XI*",), countries=tuple(countries))
    made = Partner(
        id=name,
        name="invented",
        kind=PartnerKind.CUSTOMS,
        country="XI",
        contracts=frozenset({CONTRACT}),
        code_system=system,
        customs=membership,
    )
    return replace(made, **changes)


def granted(*pairs, types=("*",)):
    """What a record says that has grants for exchanges too."""
    return {
        "document_types": frozenset(types),
        "country_pairs": tuple(CountryPair(*pair.split(">")) for pair in pairs),
    }


class Desk:
    """Asks without a face: the service itself."""

    def __init__(self, world, context=None):
        self.world = world
        self.lookups = Lookups(context or world.application.context)

    def ask(self, question, *, by=None, limit=20, offset=0):
        actor = customs_actor(Principal(by or partner(), "a test"))
        call = SimpleNamespace(
            contract=CONTRACT, operation=type(question).__name__, raw=b"", received_at=self.world.now
        )
        return self.lookups.answer(actor, question, Window(limit, offset), call)
