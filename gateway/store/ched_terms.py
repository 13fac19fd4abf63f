"""What a CHED is found by, as terms: a kind of one or two letters, a colon, a value.

A term that says who may find it is there twice, alone and with the status after a bar: "what is new at my post" is
asked all day, and so is one list. Those for grants of countries are there once.

The same functions make the terms that are stored, those that a search asks for, and the answer to "may this reader
find this one", so that the three cannot differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.store.ched_query import ChedQuery, ChedVisibility, TextFilter
    from gateway.store.ched_records import ChedRow

__all__ = ["FLAGS", "asked_ranges", "asked_terms", "document_term", "terms_of", "viewer_terms", "visible"]

FLAGS: Final = (
    "transshipped",
    "transfer",
    "plant_health_non_compliance",
    "pending_laboratory_tests",
    "requires_follow_up",
    "signed",
)
"""Criteria that are yes or no; a yes is a term, and of the noes the one that may be the exception: unsigned."""

_CN_STEPS: Final = (2, 4, 6, 8)
"""Digits of a commodity code that are terms of their own: chapter, heading, subheading, CN."""

_LAST: Final = "\U0010ffff"
"""After every character that a term has."""

_LONGEST: Final = 500
"""Characters of a term: PostgreSQL takes 2704 bytes, and no identifier, code or reference is longer."""

_LISTS_OF_BOTH: Final = 48
"""More lists of viewers with statuses than that cost more than the two kinds by themselves."""

_SINGLE: Final = (
    ("ci", "issuance_country"),
    ("ce", "entry_country"),
    ("cd", "dispatch_country"),
    ("cp", "destination_country"),
    ("ct", "transfer_country"),
    ("cs", "consignor_country"),
    ("cc", "consignee_country"),
)
"""(kind, name of the value in a row and of the criterion in a query)."""


def terms_of(row: ChedRow) -> frozenset[str]:
    """Everything that this CHED is found by; what is longer than an entry of an index may be finds nothing."""
    viewers = _viewers(row)
    with_status = {f"{viewer}|{row.status_code}" for viewer in viewers if not viewer.startswith("vg")}
    return frozenset(term for term in (*_criteria(row), *viewers, *with_status) if len(term) <= _LONGEST)


def document_term(number: str) -> str:
    """The term of an accompanying document of this number, of whatever type and country."""
    return f"d:{number}"


def visible(row: ChedRow, visibility: ChedVisibility) -> bool:
    """Whether a reader finds this CHED, if the criteria fit."""
    return visibility.everything or not _viewers(row).isdisjoint(viewer_terms(visibility))


def viewer_terms(visibility: ChedVisibility) -> tuple[str, ...]:
    """The terms of which one is enough; none lets nobody in, unless ``everything`` is set."""
    terms = {f"vp:{visibility.partner}"} if visibility.partner else set()
    terms.update(f"vb:{body}" for body in visibility.bodies if body)
    terms.update(f"vo:{post}" for post in visibility.posts if post)
    terms.update(f"va:{country}" for country in visibility.areas if country)
    terms.update(f"vg:{sending or ''}>{receiving or ''}" for sending, receiving in visibility.country_pairs)
    if visibility.refusals:
        terms.add("vr")
    return tuple(sorted(terms))


def asked_terms(query: ChedQuery) -> tuple[tuple[str, ...], ...]:
    """What a search asks for, as far as terms say it: of each group one is enough, every group must be met."""
    groups = [
        *_who(query),
        _any("t", query.types),
        _any("u", query.purposes),
        _any("b", (query.post,)),
        _any("co", (query.origin_country,)),
        *(_any(kind, (getattr(query, name),)) for kind, name in _SINGLE),
        *((f"f:{name}",) for name in FLAGS if getattr(query, name)),
        ("f:unsigned",) if query.signed is False else (),
        *(_exactly(kind, wanted) for kind, wanted in _references(query)),
    ]
    if query.cn_codes and not _long_codes(query):
        groups.append(tuple(sorted({f"{'N' if code.exact else 'n'}:{code.value}" for code in query.cn_codes})))
    return tuple(sorted({group for group in groups if group}))


def asked_ranges(query: ChedQuery) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The same for beginnings that are no terms themselves: groups of (first, last) term, both included."""
    groups: list[tuple[tuple[str, str], ...]] = [
        (_beginning(f"{kind}:{text.value}"),) for kind, text in _references(query) if not text.exact
    ]
    if _long_codes(query):
        groups.append(tuple(sorted({_code_range(code) for code in query.cn_codes})))
    return tuple(groups)


def _who(query: ChedQuery) -> tuple[tuple[str, ...], ...]:
    statuses = _any("s", query.statuses)
    if query.visibility.everything:
        return (statuses,)
    viewers = viewer_terms(query.visibility) or ("none:",)
    both = tuple(f"{viewer}|{status}" for viewer in viewers for status in sorted(set(query.statuses)))
    merged = both and len(both) <= _LISTS_OF_BOTH and not query.visibility.country_pairs
    return (both,) if merged else (viewers, statuses)


def _criteria(row: ChedRow) -> Iterator[str]:
    yield f"t:{row.type}"
    yield f"s:{row.status_code}"
    yield from _any("u", (row.purpose,))
    yield from _any("b", (row.post_code, row.post_locode))
    yield from _any("co", row.origin_countries)
    yield from _any("l", (row.local_reference,))
    yield from _any("y", row.phyto_references)
    yield from _any("z", row.phyto_local_references)
    yield from map(document_term, (each.number for each in row.documents if each.number))
    for kind, name in _SINGLE:
        yield from _any(kind, (getattr(row, name),))
    for name in FLAGS:
        if getattr(row, name):
            yield f"f:{name}"
    if not row.signed:
        yield "f:unsigned"
    for commodity in row.commodities:
        if code := commodity.code:
            yield f"N:{code}"
            for length in _CN_STEPS:
                if len(code) >= length:
                    yield f"n:{code[:length]}"


def _viewers(row: ChedRow) -> frozenset[str]:
    terms = {f"vp:{row.partner}"}
    terms.update(_any("vb", row.bodies), _any("vo", row.posts), _any("va", row.areas))
    if row.sources and row.targets:
        terms.update(f"vg:{source}>{target}" for source in ("", *row.sources) for target in ("", *row.targets))
    if row.refused:
        terms.add("vr")
    return frozenset(terms)


def _any(kind: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({f"{kind}:{value}" for value in values if value}))


def _references(query: ChedQuery) -> Iterator[tuple[str, TextFilter]]:
    for kind, wanted in (
        ("l", query.local_reference),
        ("y", query.phyto_reference),
        ("z", query.phyto_local_reference),
    ):
        if wanted is not None:
            yield kind, wanted


def _exactly(kind: str, wanted: TextFilter) -> tuple[str, ...]:
    return (f"{kind}:{wanted.value}",) if wanted.exact else ()


def _long_codes(query: ChedQuery) -> bool:
    """Whether a code is asked for by a beginning that is no term: longer than CN, or half a step."""
    return any(not code.exact and len(code.value) not in _CN_STEPS for code in query.cn_codes)


def _code_range(code: TextFilter) -> tuple[str, str]:
    if not code.exact and len(code.value) not in _CN_STEPS:
        return _beginning(f"N:{code.value}")
    term = f"{'N' if code.exact else 'n'}:{code.value}"
    return term, term


def _beginning(text: str) -> tuple[str, str]:
    return text, text + _LAST
