"""How the demo's client of the hub reads refusals: as the text of a HubWebException, or as a bare HTTP status."""

from __future__ import annotations

import pytest

from gateway.sandbox.client import Refused
from gateway.sandbox.hub_client import _refusal


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "IMG-7101: No such envelope | where here | found 4711 | expected a number of yours | retry never",
            Refused("IMG-7101", "No such envelope", "here", "4711", "a number of yours", "never"),
        ),
        ("IMG-2001: No", Refused("IMG-2001", "No", "", "", "", "")),
        ("Server was unable to process request.", Refused("", "Server was unable to process request.", *[""] * 4)),
        ("", Refused(*[""] * 6)),
    ],
)
def test_a_message_is_taken_apart_as_far_as_it_has_parts(message, expected):
    assert _refusal(message) == expected
