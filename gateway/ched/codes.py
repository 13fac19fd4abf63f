"""The codes of the system that acts, and those of TRACES in which all is kept and judged (Article 37(2), R-37-2).

The register and the relay translate here and nowhere else. Documents come and go in the codes of the partner's record;
signatures are over what the partner sent, so they are verified before. Status codes in receipts, criteria and results
stay those of TRACES, as do CN codes, references and, where the partner has no table for them, the codes of posts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.access import PartnerKind
from gateway.documents.ched import read_ched
from gateway.exchange.examination import translated_for
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import CANONICAL, report_to_json, translate
from mappings.document_types import CHED

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.access import Partner
    from gateway.ched.models import Actor, ChedContent, Receipt
    from gateway.documents.ched import Ched
    from gateway.exchange import Context
    from gateway.store import ChedQuery, ChedRow
    from mappings.index import Index

__all__ = ["AsSent", "Codes"]

_COUNTRIES: Final = {
    "issuance_country": "CountryOfIssuance",
    "entry_country": "CountryOfEntry",
    "dispatch_country": "CountryOfDispatch",
    "origin_country": "CountryOfOrigin",
    "destination_country": "CountryOfDestination",
    "transfer_country": "CountryOfTransferControlPoint",
    "consignor_country": "CountryOfConsignor",
    "consignee_country": "CountryOfConsignee",
}
"""Criteria of a search that hold a country, as they are called on the wire."""

_OF_CHEDS: Final = "ched-clause"
"""The list that every system has whose codes are known for CHEDs."""

_POSTS: Final = "border-control-post"
"""The list of posts, which few systems have codes of their own for; a search may also name a UN/LOCODE."""


@dataclass(frozen=True, slots=True)
class AsSent:
    """What is kept beside the canonical document where it came in other codes; nothing where it did not."""

    original: bytes | None = None
    """The document as it came."""
    tables: str | None = None
    """Version of the mapping tables that translated it."""
    report: str | None = None
    """What was translated, as JSON."""


class Codes:
    """Translates for one instance. Safe to share between threads.

    Args:
        context: the services; the tables of today count.
        translates: False where another service in front does it.
    """

    def __init__(self, context: Context, *, translates: bool = True) -> None:
        self._context = context
        self._translates = translates

    def canonical(self, actor: Actor, document: _Element) -> tuple[_Element, AsSent]:
        """A document that the partner sent, in TRACES' codes, and what is kept of the one that came.

        Raises:
            TranslationRefused: IMG-60xx, codes have no canonical one; all of them are findings.
        """
        if self._same(actor):
            return document, AsSent()
        partner = actor.principal.partner
        index = self._index()
        made = translated_for(partner, document, source=partner.code_system, target=CANONICAL, index=index)
        return made.root, AsSent(serialise(document), made.tables, report_to_json(made.report))

    def read(self, actor: Actor, document: _Element) -> Ched:
        """The boxes of a document that the partner sent.

        Raises:
            TranslationRefused: as `canonical`.
        """
        return read_ched(self.canonical(actor, document)[0])

    def own(self, actor: Actor, content: ChedContent) -> ChedContent:
        """A document that the partner gets, in its codes.

        Raises:
            TranslationRefused: IMG-60xx, its system has no such code.
        """
        if self._same(actor):
            return content
        partner = actor.principal.partner
        root = parse(content.content, limits=self._context.limits).root
        index = self._index()
        translated = translate(root, source=CANONICAL, target=partner.code_system, index=index, partner=partner.id)
        return replace(content, content=serialise(translated.root), tables=translated.tables)

    def asked(self, actor: Actor, query: ChedQuery) -> ChedQuery:
        """A search in TRACES' codes. A purpose for which TRACES has several codes looks for all of them.

        Raises:
            TranslationRefused: IMG-60xx, a criterion is no code of the partner's system.
        """
        if self._same(actor):
            return query
        inwards = _Lists(self._index(), actor.principal.partner, inwards=True)
        changes: dict[str, object] = {
            field: inwards.code("country", value, criterion)
            for field, criterion in _COUNTRIES.items()
            if (value := getattr(query, field))
        }
        if query.post:
            changes["post"] = inwards.carried(_POSTS, query.post)
        purposes = (each for code in query.purposes for each in inwards.every("ched-purpose", code, "Purpose"))
        return replace(query, purposes=tuple(dict.fromkeys(purposes)), **changes)  # type: ignore[arg-type]

    def shown(self, actor: Actor, row: ChedRow) -> ChedRow:
        """A result of a search with the partner's own codes of countries and posts."""
        if self._same(actor):
            return row
        outwards = _Lists(self._index(), actor.principal.partner, inwards=False)
        changes: dict[str, object] = {
            field: outwards.known("country", value)
            for field in _COUNTRIES
            if field != "origin_country" and (value := getattr(row, field))
        }
        if row.post_code:
            changes["post_code"] = outwards.carried(_POSTS, row.post_code)
        origins = tuple(outwards.known("country", each) for each in row.origin_countries)
        return replace(row, origin_countries=origins, **changes)  # type: ignore[arg-type]

    def told(self, actor: Actor, receipt: Receipt) -> Receipt:
        """A receipt with the documents of I.9 as the partner calls them."""
        if self._same(actor):
            return receipt
        outwards = _Lists(self._index(), actor.principal.partner, inwards=False)
        documents = tuple(
            replace(
                each,
                type=replace(each.type, code=outwards.known("document-type", each.type.code)),
                relation=outwards.known("document-relation", each.relation),
                country=outwards.known("country", each.country),
            )
            for each in receipt.documents
        )
        return replace(receipt, documents=documents)

    def _same(self, actor: Actor) -> bool:
        """Whether nothing is to be translated.

        Article 37(2) binds the systems of Member States. Another one whose codes say nothing of CHEDs (an ePhyto
        member that was granted CHEDs of its trade) has no other words for them than TRACES'.

        Raises:
            TranslationRefused: IMG-6005, the system of a Member State has no tables for CHEDs.
        """
        partner = actor.principal.partner
        if not self._translates or partner.code_system == CANONICAL:
            return True
        index = self._index()
        wanted = (CANONICAL, partner.code_system, _OF_CHEDS)
        if any((*wanted, whose) in index.lookups for whose in ("", partner.id)):
            return False
        if partner.kind is PartnerKind.NATIONAL:
            index.lookup(*wanted)  # says what is missing
        return True

    def _index(self) -> Index:
        return self._context.index.on(self._context.clock().date())


class _Lists:
    """Single codes of one partner, one way."""

    def __init__(self, index: Index, partner: Partner, *, inwards: bool) -> None:
        self._index = index
        self._partner = partner
        ways = (partner.code_system, CANONICAL)
        self._source, self._target = ways if inwards else ways[::-1]

    def code(self, name: str, code: str, where: str) -> str:
        """Refused when there is none."""
        found = self._index.lookup(self._source, self._target, name, self._partner.id)
        return found.find(code, CHED, where=where).target or ""

    def known(self, name: str, code: str) -> str:
        """Itself when there is none: a label in a list of results decides nothing."""
        found = self._index.lookup(self._source, self._target, name, self._partner.id).get(code, CHED)
        return code if found is None or found.target is None else found.target

    def carried(self, name: str, code: str) -> str:
        """As `known`, of a list that the partner's system need not have a table for."""
        ways = ((self._source, self._target, name, whose) for whose in (self._partner.id, ""))
        return self.known(name, code) if any(way in self._index.lookups for way in ways) else code

    def every(self, name: str, code: str, where: str) -> tuple[str, ...]:
        """The canonical code, and the others that the partner's system calls the same."""
        back = self._index.lookup(self._target, self._source, name, self._partner.id)
        return tuple(dict.fromkeys((self.code(name, code, where), *back.sources(code, CHED))))
