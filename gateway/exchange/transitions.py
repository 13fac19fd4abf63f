"""Which status a version may take: judged against the store, and made good there by compare and set (ADR 0004)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import ExchangeRefused
from gateway.exchange.status import CertificateStatus, may_follow
from gateway.store import DocumentKey, find_accepted, find_document, find_version, idempotency_key

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.exchange.context import Context
    from gateway.exchange.models import Examined, Principal
    from gateway.store import DocumentRow

__all__ = ["FIRST", "Transition", "is_repeat", "judge", "key_of", "names_a_predecessor", "replaced_key"]


@dataclass(frozen=True, slots=True)
class Transition:
    """What a version follows, and the other document that it replaces, each with the status it was judged for."""

    current: str | None
    replaces: DocumentKey | None = None
    replaces_expected: str | None = None


FIRST = Transition(None)
"""The number is new: what nearly every issue of a certificate is, and what the store says when it is not so."""


def judge(context: Context, principal: Principal, examined: Examined, contract: str) -> Transition:
    """The transition that this document asks for, as things stand now.

    Raises:
        ExchangeRefused: IMG-7002 the status may not follow, IMG-7003 the number is another partner's, IMG-7009 what
            it replaces does not stand; a repeat of what was accepted is never refused here, the store answers it.
    """
    key = key_of(examined)
    new = examined.status_code
    with context.store.read() as connection:
        document = find_document(connection, key)
        if document is not None and document.owner_partner != principal.partner.id:
            raise ExchangeRefused("IMG-7003", where="/sps:SPSCertificate/sps:SPSExchangedDocument/ram:ID")
        current = _status(document)
        # A replaced number has the status 44 without a version of its own in it, and takes none.
        stands = document is not None and new == current and find_version(connection, document, new) is not None
        replaces, replaced = None, None
        if new == CertificateStatus.REPLACED:
            replaces = replaced_key(examined, key)
            replaced = _own_status(connection, principal, replaces or key)
        elif names_a_predecessor(examined) and not stands:
            replaces, replaced = _overtaken(connection, principal, examined, key)
    legal = stands or may_follow(current, new)
    known = new != CertificateStatus.REPLACED or stands or (replaced is not None and may_follow(replaced, new))
    if not (legal and known) and not is_repeat(context, principal, examined, contract):
        if not legal:
            raise ExchangeRefused(
                "IMG-7002",
                where="/sps:SPSCertificate/sps:SPSExchangedDocument/ram:StatusCode",
                found=f"{new} for a number whose status is {current or 'not known'}",
                expected="issue (70), then at most one replacement (44), then at most a withdrawal (40)",
            )
        raise ExchangeRefused("IMG-7009", found=f"{replaces or key} with status {replaced or 'not known'}")
    return Transition(current, replaces, replaced)


def names_a_predecessor(examined: Examined) -> bool:
    """Whether an issue says that it replaces another number: what a replacement looks like at the ePhyto hub."""
    number = examined.view.replaced_number if examined.status_code == CertificateStatus.ISSUED else None
    return number is not None and number != examined.identity.number


def is_repeat(context: Context, principal: Principal, examined: Examined, contract: str) -> bool:
    """Whether exactly this was accepted from this partner before: then the recorded outcome is the answer."""
    if not examined.digest:
        return False
    identity = examined.identity
    key = idempotency_key(
        partner=principal.partner.id,
        contract=contract,
        issuer_country=identity.issuer_country,
        type_code=identity.type_code,
        number=identity.number,
        status_code=examined.status_code,
        digest=examined.digest,
    )
    with context.store.read() as connection:
        return find_accepted(connection, key) is not None


def key_of(examined: Examined) -> DocumentKey:
    """The identity as the store knows it."""
    identity = examined.identity
    return DocumentKey(identity.issuer_country, identity.type_code, identity.number)


def _own_status(connection: Connection, principal: Principal, key: DocumentKey) -> str | None:
    """The status of a document that the sender may replace; another's is as if it were not there."""
    document = find_document(connection, key)
    return _status(document) if document and document.owner_partner == principal.partner.id else None


def _overtaken(
    connection: Connection, principal: Principal, examined: Examined, key: DocumentKey
) -> tuple[DocumentKey | None, str | None]:
    """What an issue replaces, with its status: if that came from the same sender and stands, else nothing.

    It may never have been sent here, or be withdrawn already.
    """
    replaces = replaced_key(examined, key)
    replaced = _own_status(connection, principal, replaces) if replaces else None
    if replaced is None or not may_follow(replaced, CertificateStatus.REPLACED):
        return None, None
    return replaces, replaced


def _status(document: DocumentRow | None) -> str | None:
    return document.status_code if document else None


def replaced_key(examined: Examined, key: DocumentKey) -> DocumentKey | None:
    """The other document that a replacement names; None when it replaces an earlier version of its own number.

    That it names one is a rule of every rule set.
    """
    number = examined.view.replaced_number or key.number
    return None if number == key.number else DocumentKey(key.issuer_country, key.type_code, number)
