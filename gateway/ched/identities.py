"""Under which identifiers a body stands in CHEDs, and which bodies a CHED names.

A number alone is nobody: registry numbers of two countries can be equal. So both sides are compared as
``scheme|number``, national registry numbers with their country.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.access import BodyKind

if TYPE_CHECKING:
    from gateway.access import Body, Partner
    from gateway.documents.ched import Ched, ChedParty, ControlPost

__all__ = ["body_keys", "is_at_post", "named_keys", "party_key", "places_of", "post_key"]

_NATIONAL: Final = "national_registry_number"
_ACTIVITY: Final = {BodyKind.AUTHORITY: "authority_activity_id", BodyKind.OPERATOR: "operator_activity_id"}
_LOCODE: Final = "un_locode"


def party_key(party: ChedParty) -> str:
    """How a party of a CHED is looked for; empty when it is not identified well enough."""
    if not party.identifier or not party.scheme:
        return ""
    if party.scheme == _NATIONAL:
        country = party.address.country
        return f"{_NATIONAL}|{country}|{party.identifier}" if country else ""
    return f"{party.scheme}|{party.identifier}"


def post_key(post: ControlPost | None) -> str:
    """How a post is looked for that the CHED names without its IMSOC code; empty for one with it."""
    if post is None or post.imsoc_code or not post.identifier or not post.scheme:
        return ""
    return f"{post.scheme}|{post.identifier}"


def named_keys(ched: Ched) -> frozenset[str]:
    """Every party of a CHED that is identified."""
    return frozenset(filter(None, map(party_key, ched.all_parties)))


def body_keys(body: Body, partner: Partner) -> frozenset[str]:
    """What the body is called, and for an authority also what the operators are called that it manages (R-36-2).

    Its bare id stands for what it contributed itself.
    """
    keys = _own_keys(body, partner)
    if body.kind is BodyKind.AUTHORITY:
        known = partner.traces.by_id() if partner.traces is not None else {}
        for identifier in body.operators:
            keys |= {identifier, f"{_ACTIVITY[BodyKind.OPERATOR]}|{identifier}"}
            if identifier in known:
                keys |= _own_keys(known[identifier], partner)
    return frozenset(keys)


def is_at_post(body: Body, post: ControlPost | None) -> bool:
    """Whether the body is this border control post or control point, by its IMSOC code or its own identifier."""
    if post is None:
        return False
    if post.imsoc_code:
        return post.imsoc_code in {*body.posts, body.id}
    locodes = {number for scheme, number in body.identifiers if scheme == _LOCODE}
    return bool(post.locode and post.locode in locodes) or (post.scheme == _LOCODE and post.identifier in locodes)


def places_of(body: Body) -> frozenset[str]:
    """The countries where an authority is: its area, or those of its posts (an IMSOC code begins with them)."""
    return frozenset(body.countries or (code[:2] for code in body.posts))


def _own_keys(body: Body, partner: Partner) -> set[str]:
    keys = {body.id}
    if body.kind in _ACTIVITY:
        keys.add(f"{_ACTIVITY[body.kind]}|{body.id}")
    for scheme, number in body.identifiers:
        if scheme == _NATIONAL:
            keys |= {f"{_NATIONAL}|{country}|{number}" for country in body.countries or (partner.country,)}
        else:
            keys.add(f"{scheme}|{number}")
    return keys
