"""What a national instance takes for its own message when it looks at TRACES after a lost answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ched_harness import NOW, ched_pp, decision, element

from gateway.ched.states import Operation
from gateway.ched.steps import Step, look
from gateway.documents.ched import AccompanyingDocument, Coded
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS

pytestmark = pytest.mark.short

REFERENCE = "CHEDPP.NL.2026.0000001"


def document(number):
    return AccompanyingDocument(Coded("960"), "ACE", number)


def found(sent, there):
    upstream = SimpleNamespace(ched=lambda _reference, _caller: SimpleNamespace(root=element(there)))
    step = Step(
        operation=Operation.DECIDE,
        content=serialise(element(sent)),
        type="PP",
        reference=REFERENCE,
        local_reference="",
        made_at=NOW,
    )
    return look(upstream, step, limits=DEFAULT_LIMITS, now=NOW, is_another=lambda _: False)


@pytest.mark.parametrize(
    ("own", "shown", "is_there"),
    [
        ([], ["24NL1"], True),
        (["24NL1"], ["24NL1", "24NL2"], True),
        (["24NL1"], ["24NL2"], False),
        (["24NL1"], [], False),
    ],
)
def test_a_decision_is_there_with_what_customs_reported_since(own, shown, is_there):
    made = ched_pp(reference=REFERENCE, decision=decision())
    sent = replace(made, customs_documents=tuple(map(document, own)))
    there = replace(made, customs_documents=tuple(map(document, shown)))
    assert (found(sent, there) is not None) is is_there
