"""A decision, in the words of IPAFFS, as TRACES says it, and as the code that UK customs gets per type of CHED."""

import csv
import os
import re
from datetime import date
from pathlib import Path

import pytest

from gateway.errors import TranslationRefused
from mappings import load_tables
from mappings.models import Direction, Loss

pytestmark = pytest.mark.short

TABLES = load_tables()
INDEX = TABLES.compile(date(2026, 11, 22))
TYPES = {"CVEDA": "636/A", "CVEDP": "636/P", "CED": "636/D", "CHEDPP": "636/PP"}
NO = "NOT_ACCEPTABLE"
REEXPORT, REDISPATCH = f"{NO}+REDISPATCHING(reexport)", f"{NO}+REDISPATCHING(redispatching)"

# Words of IPAFFS; outcome; the codes of CVEDA, CVEDP and CED, or the error instead of one.
ROWS = [
    ("Acceptable for Transhipment", "ACCEPTABLE_FOR_TRANSHIPMENT", "E03", "E03", "E96"),
    ("Acceptable for Transfer", "ACCEPTABLE_FOR_TRANSFER", "E96", "E96", "E96"),
    ("Acceptable for Transit", "ACCEPTABLE_FOR_TRANSIT", "E03", "E03", "E96"),
    ("Acceptable for Internal Market", "ACCEPTABLE_FOR_INTERNAL_MARKET", "C03", "C03", "C03"),
    ("Acceptable for Internal Market", "ACCEPTABLE_FOR_FREE_CIRCULATION", "C03", "C03", "C03"),
    ("Acceptable if Channeled", "ACCEPTABLE_IF_CHANNELED", "E96", "C06", "E96"),
    ("Acceptable for Non Internal Market", "ACCEPTABLE_FOR_NON_FREE_CIRCULATION", "E96", "E96", "C03"),
    ("Acceptable for Specific Warehouse", "ACCEPTABLE_FOR_SPECIFIC_WAREHOUSE", "E96", "E03", "E96"),
    ("Acceptable for Temporary Import", "ACCEPTABLE_FOR_TEMPORARY_IMPORT", "C05", "E96", "E96"),
    ("Horse Re-entry", "HORSE_RE_ENTRY", "C06", "E96", "E96"),
    ("Acceptable for Private Import", "ACCEPTABLE_FOR_PRIVATE_IMPORT", "E96", "E96", "E96"),
    ("Non Acceptable / destruction", f"{NO}+DESTRUCTION", "E97", "N02", "N02"),
    ("Non Acceptable / euthanasia", f"{NO}+EUTHANASIA", "N02", "E97", "E97"),
    ("Non Acceptable / slaughter", f"{NO}+SLAUGHTER", "N02", "E97", "E97"),
    ("Non Acceptable / reexport", REEXPORT, "N04", "N04", "E97"),
    ("Non Acceptable / redispatching", REDISPATCH, "E97", "E97", "N04"),
    ("Non Acceptable / transformation", f"{NO}+TRANSFORMATION", "E97", "N03", "N03"),
    ("Non Acceptable / other", f"{NO}+OTHER", "E97", "N07", "N07"),
    ("Non Acceptable", NO, "N04", "N04", "N04"),
]
CELLS = [
    (outcome, TYPES[kind], code)
    for _, outcome, *codes in ROWS
    for kind, code in zip(("CVEDA", "CVEDP", "CED"), codes, strict=True)
]


def to_customs(name="decision-outcome"):
    return INDEX.lookup("traces", "uk-customs", name)


def from_customs(name="decision-outcome"):
    return INDEX.lookup("uk-customs", "traces", name)


def decision_and_measure(outcome):
    """The codes of the lists ched-decision and ched-not-acceptable-measure that a joined code stands for."""
    decision, _, measure = outcome.partition("+")
    return decision, measure.partition("(")[0]


def refusal(lookup, code, context=""):
    with pytest.raises(TranslationRefused) as refused:
        lookup.find(code, context)
    return refused.value.code, str(refused.value)


@pytest.mark.parametrize(("words", "outcome"), [row[:2] for row in ROWS])
def test_the_words_of_ipaffs_go_there_and_back(words, outcome):
    inwards = INDEX.lookup("ipaffs", "traces", "decision-outcome")
    outwards = INDEX.lookup("traces", "ipaffs", "decision-outcome")
    for context in TYPES.values():
        said = outwards.find(outcome, context)
        assert said.target == words
        if outcome == "ACCEPTABLE_FOR_FREE_CIRCULATION":  # the second code of TRACES for box II.12
            assert said.loss is Loss.WIDENS
            assert inwards.find(words, context).target == "ACCEPTABLE_FOR_INTERNAL_MARKET"
        else:
            back = inwards.find(words, context)
            shared = outcome in {"ACCEPTABLE_FOR_INTERNAL_MARKET", REEXPORT, REDISPATCH}  # the words of two outcomes
            assert (said.loss, back.loss) == ((Loss.WIDENS,) * 2 if shared else (Loss.NONE,) * 2)
            assert back.target == outcome


@pytest.mark.parametrize(("outcome", "context", "code"), CELLS)
def test_customs_gets_the_code_of_the_type_or_the_reason_why_there_is_none(outcome, context, code):
    if code.startswith("E9"):
        number, text = refusal(to_customs(), outcome, context)
        assert number == "IMG-6007"
        kind = next(name for name, each in TYPES.items() if each == context)
        assert f"X00, error {code}" in text
        assert kind in text
    else:
        assert to_customs().find(outcome, context).target == code


# Code; type; what is sure about the decision: all of it, part of it with a declared loss, or nothing.
BACK = [
    ("C05", "CVEDA", "ACCEPTABLE_FOR_TEMPORARY_IMPORT"),
    ("C06", "CVEDA", "HORSE_RE_ENTRY"),
    ("C06", "CVEDP", "ACCEPTABLE_IF_CHANNELED"),
    ("N02", "CVEDP", f"{NO}+DESTRUCTION"),
    ("N02", "CED", f"{NO}+DESTRUCTION"),
    ("N03", "CVEDP", f"{NO}+TRANSFORMATION"),
    ("N03", "CED", f"{NO}+TRANSFORMATION"),
    ("N07", "CVEDP", f"{NO}+OTHER"),
    ("N07", "CED", f"{NO}+OTHER"),
]


@pytest.mark.parametrize(("code", "kind", "outcome"), BACK)
def test_what_customs_says_is_read_back_where_it_is_certain(code, kind, outcome):
    entry = from_customs().find(code, TYPES[kind])
    assert (entry.target, entry.loss) == (outcome, Loss.NONE)
    assert to_customs().find(outcome, TYPES[kind]).target == code


# Code; type; what is read from it; the loss. The codes of several decisions or measures, as far as they are certain.
SHARED = [
    ("C03", "CVEDA", "ACCEPTABLE_FOR_INTERNAL_MARKET", Loss.WIDENS),
    ("C03", "CVEDP", "ACCEPTABLE_FOR_INTERNAL_MARKET", Loss.WIDENS),
    ("N02", "CVEDA", NO, Loss.NARROWS),
    ("N04", "CVEDA", NO, Loss.NARROWS),
    ("N04", "CVEDP", NO, Loss.NARROWS),
    ("N04", "CED", NO, Loss.NARROWS),
]


@pytest.mark.parametrize(("code", "kind", "outcome", "loss"), SHARED)
def test_a_code_of_several_outcomes_is_read_back_with_a_loss(code, kind, outcome, loss):
    entry = from_customs().find(code, TYPES[kind])
    assert (entry.target, entry.loss) == (outcome, loss)


def test_no_row_of_customs_or_ipaffs_reads_a_shared_code_without_a_loss():
    """Counted here by hand, beside what the check of the tables does."""
    told = []
    for each in (one for one in TABLES.maps if one.system in {"uk-customs", "ipaffs"}):
        written = [row for row in each.rows if row.direction in (Direction.OUT, Direction.BOTH) and row.code]
        told += [
            row.id
            for row in each.rows
            for other in written
            if row.direction in (Direction.IN, Direction.BOTH) and row.loss is Loss.NONE
            if other.code == row.code and other.canonical != row.canonical
            if row.context == other.context or "" in (row.context, other.context)
        ]
    assert told == []


@pytest.mark.parametrize(("code", "kind"), [("E03", "CVEDA"), ("E03", "CVEDP"), ("C03", "CED"), ("C03", "CHEDPP")])
def test_a_code_of_several_decisions_is_not_read_back(code, kind):
    assert refusal(from_customs(), code, TYPES[kind])[0] == "IMG-6007"


def test_the_placeholder_of_the_published_code_is_no_decision():
    for context in TYPES.values():
        number, text = refusal(from_customs(), "C07", context)
        assert number == "IMG-6007"
        assert "placeholder" in text


def test_the_type_decides_and_without_it_nothing_does():
    for lookup, code in ((from_customs(), "C06"), (to_customs(), f"{NO}+DESTRUCTION")):
        assert refusal(lookup, code, "636")[0] == "IMG-6008"
        assert refusal(lookup, code, "")[0] == "IMG-6008"


def test_a_chedpp_is_answered_per_check():
    assert to_customs().find("ACCEPTABLE_FOR_INTERNAL_MARKET", "636/PP").target == "C03"
    for outcome in {outcome for _, outcome, *_ in ROWS} - {"ACCEPTABLE_FOR_INTERNAL_MARKET"}:
        number, text = refusal(to_customs(), outcome, "636/PP")
        assert number == "IMG-6007"
        assert "per check" in text


def test_two_rows_with_one_decision_of_traces_are_told_apart_by_the_national_word():
    """TRACES says NOT_ACCEPTABLE and REDISPATCHING for both; customs knows one of the words per type."""
    inwards = INDEX.lookup("ipaffs", "traces", "decision-outcome")
    for word in ("reexport", "redispatching"):
        outcome = inwards.find(f"Non Acceptable / {word}").target
        assert decision_and_measure(outcome) == (NO, "REDISPATCHING")
        accepted = {context for context in TYPES.values() if to_customs().get(outcome, context) is not None}
        assert accepted == ({"636/A", "636/P"} if word == "reexport" else {"636/D"})
        assert TABLES.lists["decision-outcome"].codes[outcome].parent == f"{NO}+REDISPATCHING"
    outwards = INDEX.lookup("traces", "ipaffs", "decision-outcome")
    for kind, word in (("CVEDA", "reexport"), ("CVEDP", "reexport"), ("CED", "redispatching")):
        assert outwards.find(f"{NO}+REDISPATCHING", TYPES[kind]).target == f"Non Acceptable / {word}"
        assert to_customs().find(f"{NO}+REDISPATCHING", TYPES[kind]).target == "N04"
    assert refusal(outwards, f"{NO}+REDISPATCHING", "636/PP")[0] == "IMG-6002"
    assert inwards.find("Non Acceptable / re-dispatch").target == f"{NO}+REDISPATCHING"


def test_the_state_of_a_ched_holds_it_at_customs():
    for status in ("1", "42"):
        for kind, code in (("CVEDA", "H01"), ("CVEDP", "H01"), ("CED", "H01"), ("CHEDPP", "H02")):
            assert to_customs("status").find(status, TYPES[kind]).target == code
    for status in ("64", "44", "55", "68"):
        for context in TYPES.values():
            number, text = refusal(to_customs("status"), status, context)
            assert number == "IMG-6007"
            assert all(error in text for error in ("X00", "E71", "E72", "E73", "E75"))
    for status in ("35", "47", "97", "99", "122", "124", "146"):
        number, text = refusal(to_customs("status"), status)
        assert number == "IMG-6007"
        assert "IPAFFS has no such status" in text or "no rule" in text
    for code in ("H01", "H02", "X00"):
        assert refusal(from_customs("status"), code)[0] == "IMG-6007"


CHECKS = [
    ("To do", "H01", False),
    ("Hold", "H01", False),
    ("partially rejected", "H01", False),
    ("To be inspected", "H02", True),
    ("Compliant", "C03", False),
    ("Auto cleared", "C03", False),
    ("Not inspected", "C02", True),
    ("Non compliant", "N01", True),
]


@pytest.mark.parametrize(("words", "code", "certain"), CHECKS)
def test_the_state_of_one_check_of_a_chedpp(words, code, certain):
    state = INDEX.lookup("ipaffs", "traces", "import-check-status").find(words).target
    assert INDEX.lookup("traces", "ipaffs", "import-check-status").find(state).target == words
    assert to_customs("import-check-status").find(state).target == code
    if certain:
        assert from_customs("import-check-status").find(code).target == state
    else:
        assert refusal(from_customs("import-check-status"), code)[0] == "IMG-6007"


def test_decision_and_measure_stand_apart_in_documents():
    inwards, outwards = (
        INDEX.lookup("ipaffs", "traces", "ched-decision"),
        INDEX.lookup("traces", "ipaffs", "ched-decision"),
    )
    for words, outcome, *_ in ROWS:
        decision, measure = decision_and_measure(outcome)
        assert outwards.find(decision).target == words.partition(" / ")[0]
        if outcome != "ACCEPTABLE_FOR_FREE_CIRCULATION":
            assert inwards.find(words.partition(" / ")[0]).target == decision
        assert decision in TABLES.lists["ched-decision"].codes
        assert not measure or measure in TABLES.lists["ched-not-acceptable-measure"].codes


MEASURES = [
    ("destruction", "DESTRUCTION", "636/A 636/P 636/PP 636/D"),
    ("reexport", "REDISPATCHING", "636/A 636/P"),
    ("redispatching", "REDISPATCHING", "636/D"),
    ("special-treatment", "SPECIAL_TREATMENT", "636/P 636/D"),
    ("use-for-other-purposes", "USE_FOR_OTHER_PURPOSES", "636/P 636/D"),
    ("transformation", "TRANSFORMATION", "636/P 636/D"),
    ("industrial-processing", "TRANSFORMATION", "636/PP"),
    ("euthanasia", "EUTHANASIA", "636/A"),
    ("slaughter", "SLAUGHTER", "636/A"),
    ("entry-refusal", "REFUSAL_OF_ENTRY", "636/PP"),
    ("quarantine-imposed", "QUARANTINE", "636/PP"),
    ("other", "OTHER", "636/PP"),
]


@pytest.mark.parametrize(("word", "measure", "contexts"), MEASURES)
def test_the_measures_of_box_ii_16_go_there_and_back_per_type(word, measure, contexts):
    for context in contexts.split():
        assert INDEX.lookup("ipaffs", "traces", "ched-not-acceptable-measure").find(word, context).target == measure
        assert INDEX.lookup("traces", "ipaffs", "ched-not-acceptable-measure").find(measure, context).target == word


def test_every_spelling_of_redispatch_is_one_measure():
    inwards = INDEX.lookup("ipaffs", "traces", "ched-not-acceptable-measure")
    for word in ("reexport", "redispatching", "re-dispatch"):
        for context in ("", *TYPES.values()):
            assert inwards.find(word, context).target == "REDISPATCHING"


def test_appropriate_treatment_waits_for_confirmation():
    outwards = INDEX.lookup("traces", "ipaffs", "ched-not-acceptable-measure")
    assert refusal(outwards, "APPROPRIATE_TREATMENT", "636/PP")[0] == "IMG-6004"


# With the reference file, where there is one.

_FOLDER = os.environ.get("IMSOC_CONTRACTS", "")
_FILE = Path(_FOLDER).parent / "domain" / "data" / "ched_decision_map.csv"


@pytest.mark.skipif(not _FOLDER or not _FILE.exists(), reason="IMSOC_CONTRACTS has no reference data beside it")
def test_every_line_of_the_reference_file_translates():
    lines = list(csv.DictReader(_FILE.read_text("utf-8").splitlines()))
    seen = set()
    for line in lines:
        for outcome in _outcomes(line):
            seen.add(outcome)
            for kind, context in TYPES.items():
                _compare(to_customs(), outcome, context, line[f"uk_code_{kind}"])
        for status in re.findall(r"\b\d+\b", line["traces_decision"]):
            seen.add(status)
            for kind, context in TYPES.items():
                _compare(to_customs("status"), status, context, line[f"uk_code_{kind}"])
        if line["traces_decision"] == "any":
            for kind, context in TYPES.items():
                assert refusal(from_customs(), line[f"uk_code_{kind}"], context)[0] == "IMG-6007"
    assert seen == {outcome for _, outcome, *_ in ROWS} | {"1", "42", "64", "44", "55"}
    per_check = next(line["uk_code_CHEDPP"] for line in lines if line["box"] == "(per check)")
    assert set(re.findall(r"\b[CHN]\d\d\b", per_check)) == {code for _, code, _ in CHECKS}
    assert all(words.lower() in per_check.lower() for words, _, _ in CHECKS)


def _outcomes(line):
    words = line["ipaffs_decision"].replace("reasons only", "Non Acceptable")
    first, _, measures = words.partition(" / ")
    for word in measures.split(", ") if measures else [""]:
        said = f"{first} / {word}" if word else first
        for outcome in [outcome for known, outcome, *_ in ROWS if known == said]:
            decision, measure = decision_and_measure(outcome)
            if line["traces_decision"] in ("-", decision) or line["traces_decision"].startswith(f"{NO}"):
                assert measure in line["traces_decision"].upper()
                yield outcome


def _compare(lookup, code, context, cell):
    """A cell is a code, a code with words, an error beside X00, or a dash."""
    if cell == "-" or cell.startswith("X00"):
        number, text = refusal(lookup, code, context)
        assert number == "IMG-6007"
        assert all(error in text for error in re.findall(r"[XE]\d\d", cell))
    else:
        assert lookup.find(code, context).target == cell.split()[0]


def test_an_error_is_a_row_without_direction():
    for name in ("decision-outcome", "status"):
        rows = next(each.rows for each in TABLES.maps if (each.system, each.list) == ("uk-customs", name))
        assert all(row.direction is Direction.NONE for row in rows if "X00" in row.evidence)
        assert not any("X00" in row.code and row.direction is not Direction.NONE for row in rows)
