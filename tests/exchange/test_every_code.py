"""Every code that a client of CertificateExchange can meet is provoked through the whole gateway, in this folder."""

import re
from pathlib import Path

import pytest

from gateway.errors import catalogue

pytestmark = pytest.mark.short

HERE = Path(__file__)
CODE = re.compile(r"IMG-\d{4}")
INSIDE = {
    "IMG-01": "configuration: met by operators, at start or at the command line",
    "IMG-42": "signatures of CHEDs: tests/ched",
    "IMG-71": "the hub's contract: its clients and operators meet them, tests of the hub's parts provoke them",
    "IMG-72": "CHEDs, which have contracts of their own: tests/ched and tests/endpoints",
    "IMG-73": "attachments and reference data of TRACES: tests/endpoints and tests/mappings",
    "IMG-74": "the customs single window: tests/single_window and tests/endpoints",
    "IMG-80": "outbound: met by the delivery worker; tests/adapters and tests/delivery provoke them",
}
EXCEPTIONS = {
    "IMG-1014": "inclusive canonicalisation below an ancestor with xml: attributes, which this contract never does",
    "IMG-1116": "headers of the TRACES contracts: tests/traces",
    "IMG-1117": "headers of the TRACES contracts: tests/traces",
    "IMG-1118": "files beside an envelope, which this contract does not take: tests/soap",
    "IMG-1119": "files beside an envelope, which this contract does not take: tests/soap",
    "IMG-2010": "admission to the hub's contract, by client certificate alone: tests/endpoints",
    "IMG-2011": "headers of the TRACES contracts: tests/endpoints",
    "IMG-2110": "who may see a CHED: tests/ched",
    "IMG-2111": "the bodies of a partner in TRACES: tests/access",
    "IMG-2112": "the bodies of a partner in TRACES: tests/ched",
    "IMG-2113": "customs partners, who use contracts of their own: tests/single_window",
    "IMG-2114": "customs partners, who use contracts of their own: tests/single_window",
    "IMG-2115": "customs partners, who use contracts of their own: tests/single_window",
    "IMG-4105": "outbound: a document without a route for a partner that takes certificates: tests/adapters",
    "IMG-6008": "a certificate says its type, and no row for it depends on more: tests/mappings, tests/ched",
    "IMG-6009": "lists are named by operators: tests/cli, tests/mappings",
    "IMG-6012": "versions of the tables are named by operators: tests/mappings, tests/cli",
    "IMG-6013": "versions of the tables are named by operators: tests/mappings",
    "IMG-6030": "files of publishers, which operators load: tests/mappings",
    "IMG-6031": "files of publishers, which operators load: tests/mappings",
    "IMG-6032": "files of publishers, which operators load: tests/mappings",
    "IMG-6033": "files of publishers, which operators load: tests/mappings",
    "IMG-6034": "files of publishers, which operators load: tests/mappings",
    "IMG-9004": "the sandbox' own: a gateway of the demo that does not come up",
    "IMG-9010": "TRACES is away: tests/ched",
    "IMG-9011": "TRACES is away: tests/ched",
    "IMG-9012": "the CERTEX service behind this gateway is away: tests/single_window",
}


def provoked():
    return {
        code for path in HERE.parent.glob("test_*.py") if path != HERE for code in CODE.findall(path.read_text("utf-8"))
    }


def reachable():
    return {
        code
        for code, entry in catalogue().items()
        if code[:6] not in INSIDE and code not in EXCEPTIONS and "(retired)" not in entry.title
    }


def test_every_code_that_a_client_can_meet_is_provoked_here():
    assert not reachable() - provoked()


def test_an_exception_is_one_and_has_its_reason():
    assert EXCEPTIONS.keys() <= catalogue().keys()
    assert not EXCEPTIONS.keys() & provoked()
    assert all(len(reason) > 20 for reason in (*EXCEPTIONS.values(), *INSIDE.values()))
