"""Checks of arrival, transport and what travels along: boxes I.10, I.13, I.16, I.17 and I.27 to I.29."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents.ched.places import NOTE_TEMPERATURE, NOTE_TRANSPORT_CONDITIONS
from gateway.rules.ched.models import Breach
from gateway.rules.ched.reading import is_identified, moment_of, needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.documents.ched import Coded, Transport
    from gateway.rules.ched.models import Check, Question

__all__ = ["TRANSPORT"]

_MODES: Final = frozenset({"1", "2", "3", "4"})
_SEA: Final = "1"
_ROAD_VEHICLE: Final = "road_vehicle"
_SHIP: Final = "ship"
_CONDITIONS: Final = frozenset({NOTE_TEMPERATURE, NOTE_TRANSPORT_CONDITIONS})
_LEAVING_AGAIN: Final = frozenset({"I.22", "I.25"})


def arrival_is_there(question: Question) -> Iterable[Breach]:
    free = needs(question, "DATE_OF_ARRIVAL_ACCESS") is False
    return () if question.ched.arrival or free else (Breach(),)


def arrival_is_a_moment(question: Question) -> Iterable[Breach]:
    arrival = question.ched.arrival
    return (Breach(arrival),) if arrival and moment_of(arrival) is None else ()


def arrival_has_an_offset(question: Question) -> Iterable[Breach]:
    moment = moment_of(question.ched.arrival)
    return (Breach(question.ched.arrival),) if moment is not None and moment.tzinfo is None else ()


def transport_is_there(question: Question) -> Iterable[Breach]:
    stated = any(transport.mode for transport in question.ched.transports_before)
    return () if stated or needs(question, "MEANS_OF_TRANSPORT_ACCESS") is False else (Breach(),)


def transport_is_a_choice(question: Question) -> Iterable[Breach]:
    modes = (transport.mode.code for transport in question.ched.transports_before)
    return [Breach(mode) for mode in dict.fromkeys(modes) if mode and mode not in _MODES]


def transport_is_identified(question: Question) -> Iterable[Breach]:
    if needs(question, "MEANS_OF_TRANSPORT_DETAILS_ACCESS") is False:
        return ()
    return _unidentified(question.ched.transports_before)


def ferry_is_named(question: Question) -> Iterable[Breach]:
    transports = question.ched.transports_before
    if any(transport.name or transport.scheme.startswith(_SHIP) for transport in transports):
        return ()
    vehicles = (each for each in transports if each.mode.code == _SEA and each.scheme.startswith(_ROAD_VEHICLE))
    return [Breach(vehicle.identification) for vehicle in vehicles]


def one_transport_condition(question: Question) -> Iterable[Breach]:
    stated = _transport_conditions(question)
    return (Breach(", ".join(each.code for each in stated)),) if len(stated) > 1 else ()


def transport_condition_is_an_option(question: Question) -> Iterable[Breach]:
    stated = _transport_conditions(question)
    return [Breach(each.code) for each in stated if each.code not in question.options.temperatures]


def _transport_conditions(question: Question) -> list[Coded]:
    """Each different one; what is said twice stands among the notes that are no box."""
    further = (note.code for note in question.ched.notes if note.subject.code in _CONDITIONS)
    by_code = {each.code: each for each in (question.ched.transport_conditions, *further) if each}
    return list(by_code.values())


def seals_have_numbers(question: Question) -> Iterable[Breach]:
    return [
        Breach(container.number or "without a number")
        for container in question.ched.containers
        if any(not seal.number for seal in container.seals)
    ]


def later_transport_is_there(question: Question) -> Iterable[Breach]:
    purpose = question.purpose
    if question.ched.transports_after or purpose is None:
        return ()
    code = purpose.code.code
    leaving = question.purpose_box in _LEAVING_AGAIN or code == "TRANSHIPMENT" or question.conclusion_box == "II.13"
    return (Breach(code),) if leaving else ()


def later_transport_or_container_is_identified(question: Question) -> Iterable[Breach]:
    containers = any(container.number for container in question.ched.containers)
    return () if containers else _unidentified(question.ched.transports_after)


def later_transport_is_identified(question: Question) -> Iterable[Breach]:
    return _unidentified(question.ched.transports_after)


def _unidentified(transports: Iterable[Transport]) -> Iterable[Breach]:
    return [Breach(each.mode.code) for each in transports if not (each.identification or each.name)]


def transporter_is_there(question: Question) -> Iterable[Breach]:
    ched = question.ched
    return (Breach(),) if ched.transports_after and not is_identified(ched.transporter) else ()


def departure_is_there(question: Question) -> Iterable[Breach]:
    ched = question.ched
    return (Breach(),) if ched.transports_after and not ched.departure_from_post else ()


TRANSPORT: Final[Mapping[str, Check]] = {
    "R-I10": arrival_is_a_moment,
    "R-I10-M": arrival_is_there,
    "R-I10-OFFSET": arrival_has_an_offset,
    "R-I13-M": transport_is_there,
    "R-I13-MODE": transport_is_a_choice,
    "R-I13-ID": transport_is_identified,
    "R-I13-FERRY": ferry_is_named,
    "R-I16": one_transport_condition,
    "R-I16-OPTION": transport_condition_is_an_option,
    "R-I17-OFF": seals_have_numbers,
    "R-I27": later_transport_is_there,
    "R-I27-ID": later_transport_is_identified,
    "R-I27-PP": later_transport_or_container_is_identified,
    "R-I28": transporter_is_there,
    "R-I29": departure_is_there,
}
