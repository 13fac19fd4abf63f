"""Who finds and reads which CHED, and how much of it (Articles 8, 9, 36)."""

from dataclasses import replace

import pytest
from ched_harness import BODIES, ched_pp, decision, party

from gateway.documents.ched import Coded, ControlPost, Purpose, read_ched
from gateway.errors import AccessDenied, ChedRefused
from gateway.store import ChedQuery, ChedVisibility
from gateway.xml.boundary import parse

FULL, ENTRY, REFUSAL, MASKED, NOTHING = "full", "entry", "refusal", "masked", "nothing"

OPEN = {
    "importer": FULL,
    "managed": NOTHING,
    "stranger": NOTHING,
    "same number abroad": NOTHING,
    "post": FULL,
    "other post": NOTHING,
    "exit post": NOTHING,
    "control point": NOTHING,
    "central": FULL,
    "central elsewhere": NOTHING,
    "local": FULL,
    "manager": FULL,
    "customs": ENTRY,
    "customs elsewhere": NOTHING,
    "commission": FULL,
    "control body": NOTHING,
    "other": NOTHING,
}
"""A CHED of the importer for the post in NL, with a destination in DE, that waits for its decision."""
REFUSED = OPEN | {
    "other post": REFUSAL,
    "exit post": REFUSAL,
    "control point": REFUSAL,
    "central elsewhere": REFUSAL,
}
"""The same one once it is refused: every authority sees that, customs are none."""
DRAFT = {name: FULL if name in ("importer", "manager", "commission") else NOTHING for name in BODIES}
"""A draft is its author's, and that of who manages the author."""
PARTNERS = {"nl-system": FULL, "xx-system": MASKED, "yy-system": NOTHING, "zz-system": NOTHING, "be-system": NOTHING}
"""Systems that name no body: the one that sent it; CHEDs of ZA granted; another type; another country; no grant."""

assert OPEN.keys() == REFUSED.keys() == BODIES.keys()


def sight(world, actor, reference):
    """How much somebody gets to read, and that a search finds exactly what can be read."""
    found = [row.reference for row in world.register.find(actor, ChedQuery(visibility=ChedVisibility()))]
    try:
        content = world.register.read(actor, reference)
    except AccessDenied:
        assert reference not in found
        for ask in (world.register.read, world.register.row):
            with pytest.raises(AccessDenied, match="IMG-2110"):
                ask(actor, reference)
        with pytest.raises(AccessDenied, match="IMG-2110"):
            world.register.sealed_xml(actor, reference)
        return NOTHING
    assert reference in found
    ched = read_ched(parse(content.content).root)
    if not content.masked:
        return FULL
    if ched.consignee.name == "Invented importer":
        return ENTRY
    return REFUSAL if ched.consignor.name == "Invented exporter" else MASKED


def everybody(world, reference):
    return {name: sight(world, world.actor(name), reference) for name in BODIES}


def test_each_role_sees_a_waiting_ched_as_the_articles_say(world):
    reference = world.submit(ched_pp()).reference
    assert everybody(world, reference) == OPEN


def test_a_refusal_is_seen_by_every_authority(world):
    reference = world.submit(ched_pp()).reference
    world.decide(reference, code="NOT_ACCEPTABLE")
    assert everybody(world, reference) == REFUSED


def test_an_acceptance_is_not_shown_to_more_than_before(quick):
    reference = quick.submit(ched_pp()).reference
    quick.decide(reference)
    assert everybody(quick, reference) == OPEN


def test_a_draft_is_its_authors(quick):
    reference = quick.draft(ched_pp()).reference
    assert everybody(quick, reference) == DRAFT


@pytest.mark.parametrize(("partner", "expected"), PARTNERS.items())
def test_a_system_without_a_body_sees_what_it_was_granted(quick, partner, expected):
    reference = quick.submit(ched_pp()).reference
    assert sight(quick, quick.actor(None, partner), reference) == expected


def test_a_third_country_sees_no_draft(quick):
    reference = quick.draft(ched_pp()).reference
    assert sight(quick, quick.actor(None, "xx-system"), reference) == NOTHING


def test_who_is_only_named_in_a_draft_does_not_see_it(quick):
    named = ched_pp(consignee=party("NL-0815", "Named", "NL"))
    reference = quick.draft(named).reference
    assert sight(quick, quick.actor("stranger"), reference) == NOTHING
    reference = quick.submit(replace(named, arrival="2026-11-25T08:00:00+01:00")).reference
    assert sight(quick, quick.actor("stranger"), reference) == FULL


def test_who_comes_in_by_the_purpose_sees_it(quick):
    post = ControlPost(country="DE", code="DEHAM9P", name="Invented control point")
    transfer = ched_pp(purposes=(Purpose(Coded("TRANSFER"), "I.20", post=post),))
    reference = quick.submit(transfer).reference
    assert sight(quick, quick.actor("control point"), reference) == FULL


def test_who_contributed_sees_all_of_it_afterwards(quick):
    """R-36-3: the post that decided, also after its area was cut from its record."""
    reference = quick.submit(ched_pp()).reference
    quick.decide(reference)
    post = quick.actor("post")
    moved = replace(post, body=replace(post.body, posts=("NLEEM1",)))
    assert sight(quick, moved, reference) == FULL


def test_the_row_shows_no_names_to_strangers(quick):
    reference = quick.submit(ched_pp()).reference
    quick.decide(reference, code="NOT_ACCEPTABLE")
    masked = quick.register.row(quick.actor(None, "xx-system"), reference)
    assert (masked.consignor_name, masked.consignee_name, masked.operators) == ("***", "***", ())
    refusal = quick.register.row(quick.actor("central elsewhere"), reference)
    assert (refusal.consignor_name, refusal.consignee_name) == ("Invented exporter", "***")
    assert quick.register.row(quick.actor("importer"), reference).consignee_name == "Invented importer"


def test_the_query_cannot_widen_what_is_seen(quick):
    quick.submit(ched_pp())
    everything = ChedQuery(visibility=ChedVisibility(everything=True))
    assert quick.register.find(quick.actor("stranger"), everything) == ()


def test_an_unknown_reference_is_not_found(quick):
    with pytest.raises(ChedRefused) as refused:
        quick.register.read(quick.actor("post"), "CHEDPP.NL.2026.0000099")
    assert refused.value.code == "IMG-7201"
    assert refused.value.subject == "CHEDPP.NL.2026.0000099"


def test_what_is_masked_is_not_handed_out_under_a_seal(quick):
    reference = quick.submit(ched_pp()).reference
    quick.decide(reference, seals=quick.signed())
    assert quick.register.sealed_xml(quick.actor("importer"), reference)
    for actor in (quick.actor("customs"), quick.actor(None, "xx-system")):
        with pytest.raises(ChedRefused, match="IMG-7207"):
            quick.register.sealed_xml(actor, reference)


def test_customs_see_no_part_three(quick):
    reference = quick.submit(ched_pp(purposes=(_transfer(),))).reference
    quick.decide(reference, code="ACCEPTABLE_FOR_TRANSFER")
    quick.follow_up(reference, "control point")
    seen = read_ched(parse(quick.register.read(quick.actor("customs"), reference).content).root)
    assert seen.follow_up is None
    assert seen.decision.conclusion[0].code == "ACCEPTABLE_FOR_TRANSFER"
    assert quick.stored(reference).follow_up is not None


def _transfer():
    return Purpose(Coded("TRANSFER"), "I.20", post=ControlPost(country="DE", code="DEHAM9P"))


def test_a_decision_of_a_ched_that_is_not_seen_in_full_is_refused(quick):
    reference = quick.submit(ched_pp()).reference
    with pytest.raises(AccessDenied, match="IMG-2110"):
        quick.decide(reference, "other post")
    quick.decide(reference, code="NOT_ACCEPTABLE")
    with pytest.raises(ChedRefused) as refused:
        quick.follow_up(reference, "other post")
    assert refused.value.code == "IMG-7210"
    assert decision("NOT_ACCEPTABLE").measures
