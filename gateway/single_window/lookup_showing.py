"""CHEDs and certificates as the lookups of customs show them: no names of persons or operators (R-38-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.ched.states import ChedStatus
from gateway.customs.lines import lines_of
from gateway.customs.quantities import quantity_of
from gateway.customs.releasing import lets_release
from gateway.documents.ched import read_ched
from gateway.single_window.following import is_missing
from gateway.single_window.lookup_models import (
    Citation,
    FoundAllocation,
    FoundCertificate,
    FoundChed,
    FoundLine,
    FoundVersion,
    NamedCode,
    Position,
    ReportedDocument,
)
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from gateway.documents.ched import Ched, ChedLine
    from gateway.single_window.lookup_codes import DocumentCodes
    from gateway.store import (
        AllocationRow,
        ChedRow,
        CustomsReport,
        DocumentRow,
        LedgerLineRow,
        LedgerState,
        VersionRow,
    )
    from gateway.xml.limits import Limits
    from mappings.loading import Tables

__all__ = ["Shower"]


class Shower:
    """Shows what is stored to one partner on one day.

    Args:
        tables: for the English names of codes.
        day: whose periods of codes count.
        codes: of the partner.
        limits: of parsing.
    """

    def __init__(self, tables: Tables, day: date, codes: DocumentCodes, limits: Limits) -> None:
        self._tables = tables
        self._day = day
        self._codes = codes
        self._limits = limits

    def ched(
        self,
        state: LedgerState,
        row: ChedRow,
        content: bytes,
        reports: Iterable[CustomsReport],
        because: tuple[str, ...],
        citations: tuple[Citation, ...] = (),
    ) -> FoundChed:
        """One CHED with its ledger; one that needs none yet, with what its lines certify.

        One that has to have a ledger and has none is shown without positions, and as not valid.
        """
        ched = read_ched(parse(content, limits=self._limits).root)
        lines = state.lines if state.version or is_missing(state) else lines_of(ched)
        why = self._why_not_valid(state)
        return FoundChed(
            reference=row.reference,
            type=row.type,
            document_code=self._codes.code_of(row.type),
            because=because,
            status=self.named("status", row.status_code),
            valid=not why,
            not_valid_because=why,
            purpose=row.purpose,
            conclusion=row.conclusion,
            decided_at=row.decided_at,
            entry_country=row.entry_country,
            destination_country=row.destination_country,
            ledger_version=state.version,
            lines=_lines(ched.lines, {each.number: each for each in lines}),
            allocations=tuple(map(_allocation, state.allocations)),
            customs_documents=tuple(_reported(reports, ched)),
            citations=citations,
        )

    def citations(self, row: ChedRow, number: str, country: str, type_code: str) -> tuple[Citation, ...]:
        """Where box I.9 names a certificate; those of another country or type are left out."""
        return tuple(
            Citation(type=self.named("document-type", each.type_code) if each.type_code else None, country=each.country)
            for each in row.documents
            if each.number == number and country in ("", each.country) and type_code in ("", each.type_code)
        )

    def certificate(self, row: DocumentRow, versions: Iterable[VersionRow], replaced_by: str) -> FoundCertificate:
        """A certificate of the exchange: its identity and what became of it, not what it says."""
        return FoundCertificate(
            issuer_country=row.key.issuer_country,
            type=row.key.type_code,
            number=row.key.number,
            status=self.named("status", row.status_code),
            import_country=row.import_country or "",
            changed_at=row.changed_at,
            replaced_by=replaced_by,
            versions=tuple(
                FoundVersion(status_code=each.status_code, received_at=each.received_at) for each in versions
            ),
        )

    def named(self, name: str, code: str) -> NamedCode:
        """A code with its English name in a canonical list."""
        known = self._tables.lists[name].find(code, self._day)
        return NamedCode(code, known.name if known is not None else "")

    def _why_not_valid(self, state: LedgerState) -> str:
        if state.status_code != ChedStatus.VALIDATED:
            status = self.named("status", state.status_code)
            return f"its status is {status.code} ({status.name}), not {ChedStatus.VALIDATED}".replace(" ()", "")
        if not lets_release(state.status_code, state.conclusion):
            conclusion = self.named("ched-decision", state.conclusion)
            return f"goods are not released on its conclusion {conclusion.code} ({conclusion.name})".replace(" ()", "")
        if is_missing(state):
            return "how much of it is left is not known now"
        return "its ledger is frozen" if state.frozen else ""


def _lines(lines: Iterable[ChedLine], ledger: Mapping[int, LedgerLineRow]) -> tuple[FoundLine, ...]:
    """The first line of each number, as the ledger has it."""
    found: dict[int, FoundLine] = {}
    for line in lines:
        if line.number and line.number not in found:
            known = ledger.get(line.number)
            found[line.number] = FoundLine(
                number=line.number,
                code="".join(line.commodity.split()),
                descriptions=line.descriptions or _commodity_name(line),
                position=_position(known) if known is not None else None,
            )
    return tuple(found.values())


def _commodity_name(line: ChedLine) -> tuple[str, ...]:
    """The last level of the nomenclature, where the line has no words of its own."""
    named = next((each.names for each in line.classes if each.system == "CN"), ())
    return tuple(name for _, name in named[-1:])


def _position(line: LedgerLineRow) -> Position:
    shown = {
        name: quantity_of(getattr(line, name), line.unit)
        for name in ("certified", "available", "reserved", "consumed", "carried")
    }
    return Position(unit=line.unit, **shown)


def _allocation(row: AllocationRow) -> FoundAllocation:
    return FoundAllocation(
        declaration_type=row.declaration.type.value,
        declaration=row.declaration.number,
        goods_item=row.goods_item,
        line=row.line,
        state=row.state.value,
        code=row.class_code,
        quantity=row.quantity,
        unit=row.unit,
        office=row.office,
        event_at=row.event_at,
    )


def _reported(reports: Iterable[CustomsReport], ched: Ched) -> Iterable[ReportedDocument]:
    """What customs reported, then what else stands in the document."""
    known = set()
    for each in reports:
        known.add(each.document)
        yield ReportedDocument(number=each.document, code=each.type_code, office=each.office, reported_at=each.at)
    for written in ched.customs_documents:
        if written.number not in known:
            yield ReportedDocument(number=written.number, code="", office="", reported_at=None)
