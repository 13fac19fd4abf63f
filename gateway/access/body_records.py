"""The table ``[partner.traces]`` of a partner record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.access.bodies import Body, BodyKind, BodyRole, TracesMembership
from gateway.access.fields import known, tables_of, text_of, texts_of, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["traces_of"]

_KEYS = frozenset({"bodies"})
_BODY_KEYS = frozenset({"id", "kind", "name", "roles", "posts", "countries", "operators", "identifiers"})
_COUNTRY = re.compile(r"[A-Z]{2}")
_POST = re.compile(r"[A-Z][A-Z0-9-]{2,15}")
_LENGTHS = {BodyKind.OTHER: 32}
_USUAL_LENGTH = 16
"""Of access identifiers in the header (DIGEST 4.3)."""

_AT_POSTS = frozenset({BodyRole.BORDER_CONTROL_POST, BodyRole.CONTROL_POINT, BodyRole.EXIT_POST})
_IN_COUNTRIES = frozenset({BodyRole.CENTRAL, BodyRole.LOCAL, BodyRole.CUSTOMS})


def traces_of(table: Mapping[str, Any]) -> TracesMembership:
    """Read ``[partner.traces]``.

    Raises:
        ConfigurationError: IMG-0120.
    """
    key = "partner.traces"
    known(table, _KEYS, key)
    bodies = tuple(_body(entry, f"{key}.bodies[{n}]") for n, entry in enumerate(tables_of(table, key, "bodies")))
    if not bodies:
        wrong(f"{key}.bodies", "none", "at least one body that the system acts for")
    for number, body in enumerate(bodies):
        if any(body.id == other.id for other in bodies[:number]):
            wrong(f"{key}.bodies[{number}].id", body.id, "an id of its own for each body")
    return TracesMembership(bodies)


def _body(table: Mapping[str, Any], key: str) -> Body:
    known(table, _BODY_KEYS, key)
    kind = BodyKind(_word(text_of(table, key, "kind"), f"{key}.kind", tuple(BodyKind)))
    identifier = text_of(table, key, "id")
    longest = _LENGTHS.get(kind, _USUAL_LENGTH)
    if identifier != identifier.strip() or len(identifier) > longest:
        wrong(f"{key}.id", repr(identifier), f"at most {longest} characters, no blanks around")
    words = texts_of(table, key, "roles", ())
    roles = frozenset(BodyRole(_word(word, f"{key}.roles", tuple(BodyRole))) for word in words)
    body = Body(
        id=identifier,
        kind=kind,
        name=text_of(table, key, "name"),
        roles=roles,
        posts=texts_of(table, key, "posts", (), _POST),
        countries=texts_of(table, key, "countries", (), _COUNTRY),
        operators=texts_of(table, key, "operators", ()),
        identifiers=_identifiers(table, key),
    )
    _check_roles(body, key)
    return body


def _check_roles(body: Body, key: str) -> None:
    """A role without its area would grant nothing, and on another kind it would look like a grant."""
    if body.roles and body.kind is not BodyKind.AUTHORITY:
        wrong(f"{key}.roles", ", ".join(sorted(body.roles)), "none: only an authority has roles")
    if body.kind is BodyKind.AUTHORITY and not body.roles:
        wrong(f"{key}.roles", "none", " | ".join(BodyRole))
    if body.roles & _AT_POSTS and not body.posts:
        wrong(f"{key}.posts", "none", "the codes of its posts, such as NLRTM1")
    if body.roles & _IN_COUNTRIES and not body.countries:
        wrong(f"{key}.countries", "none", "the countries of its area")


def _identifiers(table: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    numbers = table.get("identifiers", {})
    if not isinstance(numbers, dict) or not all(isinstance(value, str) and value for value in numbers.values()):
        wrong(f"{key}.identifiers", repr(numbers), 'a table of texts, such as { eori_number = "NL001" }')
    return tuple(sorted(numbers.items()))


def _word(value: str, key: str, words: tuple[str, ...]) -> str:
    if value not in words:
        wrong(key, value, " | ".join(words))
    return value
