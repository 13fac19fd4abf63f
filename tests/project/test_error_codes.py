"""The catalogue and the code agree: a code that is raised is explained, and what is explained is raised."""

import re
from pathlib import Path

import pytest

from gateway.errors import catalogue

pytestmark = pytest.mark.short

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"IMG-\d{4}")
RANGES = {
    "01": "configuration, command line", "10": "xml", "11": "soap", "20": "authentication", "21": "access",
    "30": "schema", "40": "seals", "41": "routes", "42": "signatures of CHEDs", "50": "rules", "60": "translation",
    "70": "exchange", "71": "hub", "72": "CHEDs", "73": "attachments, reference data", "74": "customs",
    "80": "delivery", "90": "unavailable",
}  # fmt: skip


def codes_in(*folders):
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                for code in CODE.findall(line):
                    found.setdefault(code, f"{path.relative_to(ROOT)}:{number}")
    return found


def test_every_code_in_the_program_is_in_the_catalogue():
    unknown = {
        code: place for code, place in codes_in("gateway", "adapters", "mappings").items() if code not in catalogue()
    }
    assert not unknown


def test_every_code_of_the_catalogue_is_used_or_retired():
    used = codes_in("gateway", "adapters", "mappings")
    unused = [code for code, entry in catalogue().items() if code not in used and "(retired)" not in entry.title]
    assert not unused


def test_every_code_is_provoked_by_a_test():
    provoked = codes_in("tests")
    assert not [code for code, entry in catalogue().items() if code not in provoked and "(retired)" not in entry.title]


def test_codes_stand_in_order_and_in_a_known_range():
    codes = list(catalogue())
    assert codes == sorted(codes)
    assert {code[4:6] for code in codes} <= RANGES.keys()


@pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.code)
def test_an_entry_is_written_for_its_reader(entry):
    assert entry.title
    assert not entry.title.endswith(".")
    assert entry.meaning.endswith(".")
    assert entry.action.rstrip("`").endswith((".", ")", "`")) or entry.action.endswith("`.")
