"""The quick way of filling a CHED gives what the thorough one gives."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ched_harness import arrival, ched_a, ched_pp, decision, element, party

from gateway.ched.rewriting import rewritten
from gateway.documents.ched import ChedLink, Coded, Seal, read_ched, write_ched
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import SPS17, qn

CHANGES = {
    "what the register fills": {
        "reference": "CHEDPP.NL.2026.0000042",
        "local_reference": "L-1",
        "status_code": "1",
        "status_name": "To be done (New)",
        "updated": "2026-11-20T09:30:00.000+00:00",
        "url": "https://traces.invalid/certificate/ched/CHEDPP.NL.2026.0000042",
        "issuer": party("OPNL0001", "Issuer", "NL", "operator_activity_id", "VJ"),
    },
    "nothing": {},
    "a decision": {"status_code": "70", "decision": decision()},
    "a refusal": {"status_code": "41", "decision": decision("NOT_ACCEPTABLE")},
    "no decision": {"decision": None},
    "seals of the post": {"decision": decision(reseals=(Seal("S-9"),))},
    "a controlled destination": {"decision": decision(controlled_destination=party("DE-1", "Place", "DE"))},
    "a link": {"subsequent": (ChedLink("CHEDPP.NL.2026.0000043", "ACE"),), "status_code": "44"},
    "a follow-up": {"follow_up": arrival()},
    "goods": {"transport_conditions": Coded("FROZEN"), "lines": ()},
}


def documents():
    yield pytest.param(element(ched_pp()), id="PP")
    yield pytest.param(element(ched_a(decision=decision(reseals=(Seal("S-1"),)))), id="A decided")
    folder = os.environ.get("IMSOC_CONTRACTS")
    if folder:
        for file in sorted((Path(folder) / "traces-nt" / "ched").glob("*Ched*.xml")):
            found = parse(file.read_bytes()).root.find(f".//{qn(SPS17, 'SPSCertificate')}")
            if found is not None:
                yield pytest.param(found, id=file.stem[:30])


def bare(root):
    """Canonical, without the white space between elements."""
    for element_ in root.iter():
        if not (element_.text or "").strip():
            element_.text = None
        if not (element_.tail or "").strip():
            element_.tail = None
    return canonicalise(root, algorithm=C14n.EXCLUSIVE)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("tree", list(documents()))
def test_both_ways_are_the_same(tree, name):
    base = read_ched(tree)
    changed = replace(base, **CHANGES[name])
    quick, thorough = rewritten(base, changed), write_ched(changed)
    assert bare(quick) == bare(thorough)
    assert read_ched(quick) == changed
