"""Makes submissions, CHEDs and ledgers that differ where a test says so."""

from __future__ import annotations

import hashlib
import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique

from store_ledgers import Ledgers

from gateway.store import (
    ChedEvidence,
    ChedRow,
    ChedWrite,
    DocumentKey,
    Form,
    NewEnvelope,
    NewImport,
    Nonce,
    Submission,
    new_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_submission() -> Callable[..., Submission]:
    """A complete submission; the number and content decide what it is, id, nonce and acknowledgement are fresh."""

    def make(number: str = "2026-1", content: bytes = b"<content/>", **changes) -> Submission:
        submission = Submission(
            exchange_id=new_id(NOW),
            partner="ar-example",
            contract="certificate-exchange",
            operation="SubmitCertificate",
            received_at=NOW,
            request=b"<envelope>" + content + b"</envelope>",
            acknowledgement=b"<ack>" + secrets.token_hex(8).encode() + b"</ack>",
            document=DocumentKey("AR", "851", number),
            status_code="70",
            expected_status=None,
            digest=hashlib.sha256(content).digest(),
            content=content,
            form=Form.INLINE,
            nonces=(Nonce("wsse", secrets.token_hex(16), NOW + timedelta(hours=1)),),
            seal_value=hashlib.sha512(content + number.encode()).digest(),
            import_country="NL",
            route="iii",
            findings="[]",
        )
        return replace(submission, **changes)

    return make


@pytest.fixture
def make_envelope() -> Callable[..., NewEnvelope]:
    """An envelope from Argentina that waits for the Netherlands; the number decides which certificate is in it."""

    def make(number: str, **changes) -> NewEnvelope:
        envelope = NewEnvelope(
            number=number,
            partner="ar-nppo",
            recipient="nl-nppo",
            from_country="AR",
            to_country="NL",
            certificate_type=851,
            certificate_status=70,
            certificate_number=f"AR-{number}",
            content=f"<content of='{number}'/>".encode(),
            repeat_key=hashlib.sha256(number.encode()).digest(),
        )
        return replace(envelope, **changes)

    return make


@pytest.fixture
def make_import() -> Callable[..., NewImport]:
    """An envelope that came for us from the hub ``ephyto``."""

    def make(hub_number: str, **changes) -> NewImport:
        new = NewImport(
            id=new_id(NOW),
            partner="ephyto",
            hub_number=hub_number,
            from_country="AR",
            to_country="NL",
            certificate_type=851,
            certificate_status=70,
            certificate_number=f"AR-{hub_number}",
            envelope=f"<Envelope>{hub_number}</Envelope>".encode(),
            received_at=NOW,
        )
        return replace(new, **changes)

    return make


@pytest.fixture
def make_ched() -> Callable[..., ChedRow]:
    """A new CHED-PP at a Dutch post, as the store is given it; the number is that of its reference."""

    def make(number: int = 1, **changes) -> ChedRow:
        row = ChedRow(
            id=new_id(NOW),
            reference=f"CHEDPP.NL.2026.{number:07}",
            local_reference=f"local-{number}",
            type="PP",
            status_code="1",
            partner="nl-system",
            body="OPERATOR1",
            bodies=("OPERATOR1", "AUTHORITY1"),
            posts=("NLRTM1",),
            areas=("NL",),
            post_code="NLRTM1",
            post_locode="NLRTM",
            entry_country="NL",
            created_at=NOW,
            updated_at=NOW,
            status_changed_at=NOW,
        )
        return replace(row, **changes)

    return make


@pytest.fixture
def make_write(make_ched) -> Callable[..., ChedWrite]:
    """The write that creates a CHED; ids, nonce and acknowledgement are fresh, the content makes it the same again."""

    def make(row: ChedRow | None = None, content: bytes | None = b"<content/>", **changes) -> ChedWrite:
        row = row or make_ched()
        evidence = ChedEvidence(
            contract="ched-submission",
            operation="createAndSubmitForDecision",
            request=b"<envelope/>",
            acknowledgement=b"<ack>" + secrets.token_hex(8).encode() + b"</ack>",
            nonces=(Nonce("wsse", secrets.token_hex(16), NOW + timedelta(hours=1)),),
            repeat_key=hashlib.sha256(row.reference.encode() + (content or b"")).digest(),
        )
        write = ChedWrite(
            version_id=new_id(NOW),
            row=row,
            expected_version=None,
            at=NOW,
            operation="submit",
            partner="nl-system",
            body="OPERATOR1",
            part="I",
            content=content,
            digest=hashlib.sha256(content or b"").digest(),
            evidence=evidence,
        )
        return replace(write, **changes)

    return make


@pytest.fixture
def ledgers(store, make_ched, make_write) -> Ledgers:
    """The ledgers of that store."""
    return Ledgers(store, lambda number, **changes: make_write(make_ched(number, **changes)))
