"""The table ``[partner.customs]`` of a partner record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.access.customs import AbsentUnit, CustomsMembership
from gateway.access.fields import known, text_of, texts_of, wrong
from gateway.access.models import PartnerKind
from gateway.timezones import TIME_ZONE_EXPECTED, is_time_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["customs_of"]

_KEYS = frozenset({"offices", "countries", "absent_unit", "time_zone", "mrn_countries"})
_KINDS = (PartnerKind.CUSTOMS, PartnerKind.NATIONAL, PartnerKind.TRACES)
_OFFICE = re.compile(r"[A-Z]{2}([A-Z0-9]{6}|[A-Z0-9]{0,5}\*)")
_OFFICE_EXPECTED = "numbers such as NL000396, or what they begin with, the country at least, and *: NL0003*"
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_MRN_COUNTRY = re.compile(r"[A-Z]{2}")


def customs_of(table: Mapping[str, Any], kind: PartnerKind) -> CustomsMembership:
    """Read ``[partner.customs]``.

    Raises:
        ConfigurationError: IMG-0120.
    """
    key = "partner.customs"
    known(table, _KEYS, key)
    if kind not in _KINDS:
        wrong(key, f'kind = "{kind}"', " | ".join(_KINDS))
    offices = _some(texts_of(table, key, "offices"), f"{key}.offices", "the customs offices that it speaks for")
    for office in offices:
        if not _OFFICE.fullmatch(office):
            wrong(f"{key}.offices", office, _OFFICE_EXPECTED)
    countries = texts_of(table, key, "countries", pattern=_COUNTRY)
    absent_unit = text_of(table, key, "absent_unit", default=AbsentUnit.REFUSE)
    if absent_unit not in set(AbsentUnit):
        wrong(f"{key}.absent_unit", absent_unit, " | ".join(AbsentUnit))
    time_zone = text_of(table, key, "time_zone", default="")
    if time_zone and not is_time_zone(time_zone):
        wrong(f"{key}.time_zone", time_zone, TIME_ZONE_EXPECTED)
    return CustomsMembership(
        offices=offices,
        countries=_some(countries, f"{key}.countries", "the countries whose CHEDs it may ask for, or *"),
        absent_unit=AbsentUnit(absent_unit),
        time_zone=time_zone,
        mrn_countries=_once(
            texts_of(table, key, "mrn_countries", default=(), pattern=_MRN_COUNTRY), f"{key}.mrn_countries"
        ),
    )


def _some(values: tuple[str, ...], key: str, expected: str) -> tuple[str, ...]:
    """A list that grants something, and each thing once."""
    if not values:
        wrong(key, "none", expected)
    return _once(values, key)


def _once(values: tuple[str, ...], key: str) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        wrong(key, ", ".join(values), "each once")
    return values
