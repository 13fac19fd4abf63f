"""Parties, posts and means of transport in the bodies that are our own: elements of UN/CEFACT's types.

They are read by the readers of the CHED itself, so that a party beside a certificate means what one inside means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.documents.ched.leaves import read_party, read_post, read_transport
from gateway.documents.ched.places import LIST_APPROVAL
from gateway.traces.wire_common import add, add_coded, add_text
from gateway.xml.names import RAM21, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.documents.ched.models import ChedParty, ControlPost, Transport

__all__ = ["add_party", "add_post", "add_transport", "party_of", "post_of", "transport_of"]

_AGENCY = "ec_sante_traces"
_LINES = ("LineOne", "LineTwo", "LineThree", "LineFour", "LineFive")


def add_party(parent: _Element, name: str, party: ChedParty | None) -> None:
    """An element of type SPSParty, unless there is none; approvals stand where the CHED has them."""
    if party is None:
        return
    element = add(parent, name)
    if party.identifier:
        agency = _AGENCY if party.scheme else ""
        add(element, qn(RAM21, "ID"), party.identifier, schemeID=party.scheme, schemeAgencyID=agency)
    add(element, qn(RAM21, "Name"), party.name)
    add_text(element, qn(RAM21, "RoleCode"), party.role)
    for activity in party.activities:
        add_coded(element, qn(RAM21, "TypeCode"), activity)
    if party.approval:
        add(element, qn(RAM21, "TypeCode"), party.approval, listID=LIST_APPROVAL)
    address = party.address
    values = (
        ("PostcodeCode", address.postcode),
        *zip(_LINES, address.lines, strict=False),
        ("CityName", address.city),
        ("CountryID", address.country),
        ("CountryName", address.country_name),
        ("CountrySubDivisionName", address.subdivision),
    )
    if any(value for _, value in values):
        where = add(element, qn(RAM21, "SpecifiedSPSAddress"))
        for local, value in values:
            add_text(where, qn(RAM21, local), value)
    if party.person:
        add(add(element, qn(RAM21, "SpecifiedSPSPerson")), qn(RAM21, "Name"), party.person)


def party_of(parent: _Element, name: str) -> ChedParty | None:
    """The party in a child; None when it is missing or says nothing."""
    element = parent.find(name)
    return None if element is None else read_party(element)


def add_post(parent: _Element, name: str, post: ControlPost | None) -> None:
    """An element of type SPSLocation with the six names of a post in their order, unless there is none."""
    if post is None:
        return
    element = add(parent, name)
    add(element, qn(RAM21, "ID"), post.identifier, schemeID=post.scheme)
    for text in (post.country, post.city, post.code, post.name, post.address, post.locode):
        add(element, qn(RAM21, "Name"), text)


def post_of(parent: _Element, name: str) -> ControlPost | None:
    """The post in a child; None when it is missing or says nothing."""
    element = parent.find(name)
    return None if element is None else read_post(element)


def add_transport(parent: _Element, name: str, transport: Transport | None) -> None:
    """An element of type SPSTransportMovement, unless there is none."""
    if transport is None:
        return
    element = add(parent, name)
    if transport.identification or transport.scheme:
        add(
            element,
            qn(RAM21, "ID"),
            transport.identification,
            schemeID=transport.scheme,
            schemeAgencyID=transport.country,
            schemeAgencyName=transport.country_name,
        )
    add_coded(element, qn(RAM21, "ModeCode"), transport.mode)
    if transport.name:
        add(add(element, qn(RAM21, "UsedSPSTransportMeans")), qn(RAM21, "Name"), transport.name)


def transport_of(parent: _Element, name: str) -> Transport | None:
    """The means of transport in a child; None when it is missing."""
    element = parent.find(name)
    return None if element is None else read_transport(element)
