"""The printable INTRA certificate and DOCOM: what they say, under plain headings.

The models of these documents are no part of Regulation (EU) 2019/1715, so that nothing here is a numbered box: parties,
journey, goods and signatures stand in the order of the document's own parts, and what is empty is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched import read_ched
from gateway.pdf.ched import documents_rows, goods_rows
from gateway.pdf.layout import Flow
from gateway.pdf.marks import Cell, Paragraph, Row
from gateway.pdf.phrases import Phrases, joined
from gateway.pdf.wording import Wording, moment
from gateway.pdf.writing import Heading, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.documents.ched import Ched, Coded

__all__ = ["render_certificate"]

_KINDS: Final = ("INTRA", "DOCOM")


def render_certificate(root: _Element, *, language: str, url: str, now: datetime, sealed: bool = False) -> bytes:
    """An INTRA certificate or DOCOM as a PDF file; the same input gives the same bytes.

    Args:
        root: its ``SPSCertificate``, whatever the namespace of the root; as much of it as the reader may see.
        language: the reader's, ISO 639-1.
        url: of the electronic version; the optical label leads there.
        now: when it is printed, aware.
        sealed: whether the file is to be sealed.

    Raises:
        ChedRefused: IMG-7221 the document is longer than anything that can be printed.
    """
    document = read_ched(root)
    wording = Wording(language)
    say = Phrases(wording)
    heading = _heading(document, wording, url=url, now=now, sealed=sealed)
    flow = Flow(first_top=heading.first_top, top=heading.top, continued=wording.word("continued"))
    if document.title:
        flow.add(Row((Cell(wording.word("model"), (Paragraph(document.title),)),)))
    for part, cells in (("parties", _parties(document, say)), ("journey", _journey(document, say))):
        flow.band(wording.word(part))
        flow.boxes(_filled(cells, wording))
        others = tuple(each for each in document.documents if each.number != document.reference)
        if part == "journey" and others:
            flow.add(*documents_rows(wording.word("documents"), others, say))
    flow.band(wording.word("goods"))
    if document.lines:
        flow.add(*goods_rows(wording.word("description"), document.lines, say))
    flow.boxes(_filled(_totals(document, say), wording))
    flow.band(wording.word("signatures"))
    flow.boxes(_filled(_signatures(document, say), wording))
    return write(flow.pages, heading, wording)


def _heading(document: Ched, wording: Wording, *, url: str, now: datetime, sealed: bool) -> Heading:
    kind = document.reference.partition(".")[0]
    status = document.status_name or document.status_code
    facts = (
        f"{wording.word('status')}: {status}" if status else "",
        f"{wording.word('updated')}: {moment(document.updated)}" if document.updated else "",
    )
    return Heading(
        title=wording.word(kind if kind in _KINDS else "certificate"),
        kind="",
        reference=document.reference,
        number=document.reference,
        facts=tuple(filter(None, facts)),
        url=url,
        contingency=document.contingency,
        sealed=sealed,
        at=now,
    )


_Said = tuple[str, tuple[str, ...]]
"""A word for the heading, and the lines below it."""


def _filled(cells: Iterable[_Said], wording: Wording) -> list[Cell]:
    return [
        Cell(wording.word(title), tuple(map(Paragraph, kept)))
        for title, lines in cells
        if (kept := tuple(line for line in lines if line.strip()))
    ]


def _parties(document: Ched, say: Phrases) -> Iterator[_Said]:
    yield "consignor", say.party(document.consignor)
    yield "consignee", say.party(document.consignee)
    for place in document.establishments:
        yield "dispatch_place", say.party(place)
    yield "destination", say.party(document.destination)
    yield "operator", say.party(document.operator)
    yield "transporter", say.party(document.transporter)
    yield "issuer", say.party(document.issuer)


def _journey(document: Ched, say: Phrases) -> Iterator[_Said]:
    yield "dispatch_country", (say.country(document.dispatch_country),)
    yield "import_country", (say.country(document.import_country),)
    yield "departure", (moment(document.departure),)
    yield "arrival", (moment(document.arrival),)
    transports = (*document.transports_before, *document.transports_after)
    yield "transport", tuple(say.transport(each) for each in transports)
    yield "containers", tuple(say.container(each) for each in document.containers)
    yield "post", say.post(document.post)
    yield "conditions", say.codes((document.transport_conditions,))
    yield "journey_log", say.codes((document.journey_log,))


def _totals(document: Ched, say: Phrases) -> Iterator[_Said]:
    if document.totals is not None:
        weight, quantity, packages = say.quantities(document.totals)
        yield "weight", (weight,)
        yield "quantity", (quantity,)
        yield "packages", (packages,)
    purposes = say.codes(each.code for each in document.purposes)
    yield "certified_as", (*say.codes(document.certified_as), *purposes)
    yield "notes", tuple(say.note(each) for each in document.notes)


def _signatures(document: Ched, say: Phrases) -> Iterator[_Said]:
    if (declared := document.declaration) is not None:
        signed = say.said("signed_on", moment(declared.signed))
        yield "attestation", (*say.party(declared.party), declared.email, signed, *_clauses(declared.clauses, say))
    if (decision := document.decision) is not None:
        signed = say.said("signed_on", moment(decision.signed))
        conclusion = say.codes(decision.conclusion)
        clauses = _clauses(decision.clauses, say)
        yield "official", (*conclusion, *say.party(decision.officer), decision.email, signed, *clauses)


def _clauses(clauses: Iterable[tuple[str, Coded]], say: Phrases) -> Iterator[str]:
    for name, code in clauses:
        yield joined(say.wording.label(name), say.wording.code(code), by=": ")
