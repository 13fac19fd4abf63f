"""Parts of documents in words: parties, posts, means of transport, seals, lines of goods, each as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched import Region
from gateway.pdf.wording import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.documents.ched import (
        AccompanyingDocument,
        Address,
        ChedClass,
        ChedLine,
        ChedParty,
        Coded,
        Container,
        ControlPost,
        Country,
        LineNote,
        Seal,
        Transport,
    )
    from gateway.pdf.wording import Wording

__all__ = ["DASH", "Phrases", "joined"]

DASH: Final = "\N{EN DASH}"


_NAMED: Final = frozenset({"PRODUCT_TYPE", "IDENTIFICATION_SYSTEM"})
"""Classes whose codes say nothing to a reader who sees their names."""


def joined(*texts: str, by: str = " ") -> str:
    """The texts that say something, joined."""
    return by.join(filter(None, texts))


class Phrases:
    """Says values in one language.

    Args:
        wording: the language.
    """

    def __init__(self, wording: Wording) -> None:
        self.wording = wording

    def said(self, key: str, value: str) -> str:
        """``word: value``; empty when there is no value."""
        return f"{self.wording.word(key)}: {value}" if value else ""

    def codes(self, values: Iterable[Coded]) -> tuple[str, ...]:
        """The labels of codes, one for each line."""
        return tuple(self.wording.code(each) for each in values if each or each.label)

    def code(self, key: str, value: Coded) -> str:
        """``word: label``; empty when there is no code."""
        return self.said(key, self.wording.code(value))

    def party(self, party: ChedParty | None) -> tuple[str, ...]:
        """Name, person, address, country, identifier, approval number, activities."""
        if party is None:
            return ()
        return tuple(
            filter(
                None,
                (
                    party.name,
                    party.person if party.person != party.name else "",
                    *self.address(party.address),
                    self.said("identifier", party.identifier),
                    self.said("approval", party.approval),
                    joined(*self.codes(party.activities), by=", "),
                ),
            )
        )

    def address(self, address: Address) -> tuple[str, ...]:
        """Lines, place, country with its ISO 3166-1 code."""
        place = joined(joined(address.postcode, address.city), address.subdivision, by=", ")
        country = _named(address.country_name, address.country)
        return tuple(filter(None, (joined(*address.lines, by=", "), place, country)))

    def country(self, country: Country) -> str:
        """Name and code, and the region."""
        return joined(
            _named(country.name, country.code), country.region if isinstance(country, Region) else "", by=", "
        )

    def post(self, post: ControlPost | None) -> tuple[str, ...]:
        """Name, address, place, country, code."""
        if post is None:
            return ()
        code = post.imsoc_code or post.identifier
        place = joined(post.city, f"({post.country})" if post.country else "")
        return tuple(filter(None, (joined(post.name or post.city, code, by=f" {DASH} "), post.address, place)))

    def transport(self, transport: Transport | None) -> str:
        """Mode, identification, name, country of registration."""
        if transport is None:
            return ""
        mode = self.wording.code(transport.mode, "modes")
        country = _named(transport.country_name, transport.country)
        return joined(joined(mode, transport.identification, by=": "), transport.name, country, by=", ")

    def seals(self, seals: Iterable[Seal]) -> tuple[str, ...]:
        """Each with what kind of seal it is."""
        return tuple(self.said("official_seal" if seal.official else "seal", seal.number or DASH) for seal in seals)

    def container(self, container: Container) -> str:
        """Its number and seals."""
        return joined(container.number or DASH, *self.seals(container.seals), by="; ")

    def document(self, document: AccompanyingDocument) -> tuple[str, str, str, str, str]:
        """Type, number, country of issue, date of issue, remarks."""
        type_ = self.wording.code(document.type, "documents")
        attached = self.wording.word("attachment") if document.attachment or document.file_name else ""
        remarks = joined(document.information, joined(attached, document.file_name, by=": "), by="; ")
        return type_, document.number, document.country, moment(document.issued), remarks

    def quantities(self, line: ChedLine) -> tuple[str, str, str]:
        """Weights, volumes and packages, each with net before gross."""
        measure = self.wording.measure
        weight = joined(measure(line.net_weight), measure(line.gross_weight), by=" / ")
        volume = joined(measure(line.net_volume), measure(line.gross_volume), by=" / ")
        packages = (joined(self.wording.count(each.count), self.wording.code(each.type)) for each in line.packages)
        return weight, volume, joined(*packages, by=", ")

    def goods(self, line: ChedLine) -> str:
        """Commodity code, its names in the reader's language where there are some, and the description."""
        names = [names for each in line.classes if each.system == "CN" for names in [_names(each.names, self.wording)]]
        description = joined(*(each for each in line.descriptions if each), by="; ")
        return joined(joined(line.commodity, *names), description, by=f" {DASH} ")

    def details(self, line: ChedLine) -> str:
        """Other classes, identifications and remarks of a line."""
        classes = (
            joined(self.wording.label(each.system), self._class(each), by=": ")
            for each in line.classes
            if each.system != "CN"
        )
        notes = (self.note(each) for each in line.notes)
        return joined(*classes, self.said("batch", line.batch), *notes, by="; ")

    def _class(self, found: ChedClass) -> str:
        names = _names(found.names, self.wording)
        return names if names and found.system in _NAMED else joined(found.code, names)

    def note(self, note: LineNote) -> str:
        """Subject and content."""
        said = joined(self.wording.code(note.code), note.text, by=f" {DASH} ")
        return joined(self.wording.code(note.subject), said, by=": ")


def _named(name: str, code: str) -> str:
    """A country: its name with the code behind it, or the code alone."""
    return f"{name} ({code})" if name and code else name or code


def _names(names: tuple[tuple[str, str], ...], wording: Wording) -> str:
    """The names of a hierarchy: in the reader's language, else all that are there."""
    wanted = [name for language, name in names if language == wording.language and name]
    return joined(*(wanted or [name for _, name in names]), by=" > ")
