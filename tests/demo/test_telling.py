"""How a step looks on terminals of different widths: nothing lost, nothing broken in the middle of a word."""

import io

import pytest
from rich.console import Console

from gateway.sandbox.telling import Step, Teller, TranslatedRow, translated_rows

STEP = Step(
    "Translated from the ePhyto form to the TRACES form: 140 places looked up, 15 changed",
    ok=True,
    why="Every code goes by a row of a table that can be shown; the sealed original is not touched.",
    facts=(("time stamp", "2026-11-22 05:45:33 UTC, qualified by the record of anchor tsa-root.pem"),),
    rows=(
        TranslatedRow("ApplicableSPSClassification", "HS", "CN", "structure/classification", 3),
        TranslatedRow("StatusCode/@name", "", "Issued (Validated)", "structure/status-label", 1),
    ),
)


def told(step, width):
    out = io.StringIO()
    Teller(Console(file=out, width=width, color_system=None)).step(step)
    return out.getvalue()


@pytest.mark.parametrize("width", [70, 80, 95, 96, 100, 110, 200])
def test_every_word_arrives_whole_and_no_line_is_too_long(width):
    text = told(STEP, width)
    assert max(map(len, text.splitlines())) <= min(width, 110)
    words = text.split()
    for part in (STEP.title, STEP.why, *STEP.facts[0]):
        assert set(part.split()) <= set(words)
    for row in STEP.rows:
        assert {row.place, *row.target.split(), row.row} <= set(words)
    assert words.count("x3") == 1
    assert "(nothing)" in words


def test_a_step_that_went_wrong_says_so_and_steps_are_counted():
    out = io.StringIO()
    teller = Teller(Console(file=out, width=100, color_system=None))
    teller.step(Step("first", ok=True))
    teller.step(Step("second", ok=False, facts=(("accepted", "though IMG-4009 was expected"),)))
    assert [line.rstrip() for line in out.getvalue().splitlines() if line.strip()] == [
        " 1 ok   first",
        " 2 FAIL second",
        "        accepted        though IMG-4009 was expected",
    ]


def test_markup_in_what_is_told_is_text():
    assert "[bold]x[/bold]" in told(Step("[bold]x[/bold]", ok=True, facts=(("a", "[red]"),)), 100)


def test_equal_rows_are_told_once_in_their_first_order_and_unchanged_ones_not_at_all():
    def entry(path, source, target, row):
        return {"path": path, "source_code": source, "target_code": target, "row_id": row}

    head = "/sps:SPSCertificate/sps:SPSConsignment/ram:Item"
    report = [
        entry(f"{head}[1]/ram:SystemName", "HS", "CN", "ephyto/classification-system/HS"),
        entry(f"{head}[1]/ram:Unit[2]/@unitCode", "KGM", "KGM", "ephyto/unit/=KGM"),
        entry(f"{head}[1]/ram:Type[7]/@listName", "a", "b", "x/y/a"),
        entry(f"{head}[2]/ram:SystemName", "HS", "CN", "ephyto/classification-system/HS"),
    ]
    assert translated_rows(report) == (
        TranslatedRow("SystemName", "HS", "CN", "ephyto/classification-system", 2),
        TranslatedRow("Type/@listName", "a", "b", "x/y", 1),
    )
