"""Tables from files, in the demo's fourth journey: two that must not pass, a spreadsheet that does, and drift."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from openpyxl import Workbook

from gateway.sandbox.hub_return import operator
from gateway.sandbox.operators import answer, preview_of, said
from gateway.sandbox.telling import Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.sandbox.instances import Sandbox

__all__ = ["imports"]

_HEAD: Final = "# system: ephyto\n# list: package\ncode,canonical,direction,loss,evidence\n"
_FORMULA: Final = f'{_HEAD}X1,BG,in,widens,"=HYPERLINK(""http://example.org/"",""their letter"")"\n'
_CONTRADICTION: Final = f"{_HEAD}X2,BG,in,widens,a bag\nX2,DR,in,widens,a drum\n"
_NEW_CODE: Final = "# system: traces\n# list: package\ncode,name\nPB,Pallet box\n"
_SECOND: Final = 2
"""Gateway A's edition with the new code, when the files before it changed nothing."""
_SHEET: Final = (
    ("code", "canonical", "direction", "loss", "evidence"),
    ("T9", "DR", "both", "none", "drum"),
    ("S4", "SA", "both", "none", "sack"),
    ("D1", "CT", "both", "none", "a carton from then on"),
)


def imports(sandbox: Sandbox) -> Iterator[Step]:
    """What operators import at gateways A and B, and what B is told about the lists of A.

    Args:
        sandbox: the gateways A and B are started, and A's tables have had one edition.
    """
    folder = sandbox.folder / "tables"
    folder.mkdir()
    yield _refused(sandbox, folder)
    day = f"{datetime.now(UTC).year + 1}-01-01"
    book = _spreadsheet(folder / "packages.xlsx")
    arguments = ("mappings", "import", str(book), "--system", "national-b", "--list", "package", "--effective", day)
    previewing = operator(sandbox.b, *arguments, "--reason", "New codes", "--dry-run", "--json")
    publishing = operator(sandbox.a, *_import(folder, "new-code.csv", _NEW_CODE), "--yes")
    published = answer(publishing)
    preview = answer(previewing)
    drifting = operator(sandbox.b, "mappings", "drift", "gateway-a", "--list", "PACKAGE", "--json")
    done = answer(operator(sandbox.b, *arguments, "--reason", "New codes", "--yes", "--json"))
    yield _imported(day, preview, done)
    yield _drifted(answer(drifting), published)


def _import(folder: Path, name: str, text: str) -> tuple[str, ...]:
    """A command that imports a file of this text."""
    file = folder / name
    file.write_text(text, "utf-8")
    return ("mappings", "import", str(file), "--reason", "The demo", "--json")


def _refused(sandbox: Sandbox, folder: Path) -> Step:
    files = {"formula.csv": _FORMULA, "contradiction.csv": _CONTRADICTION}
    trying = [operator(sandbox.a, *_import(folder, name, text), "--yes") for name, text in files.items()]
    refusals: list[dict[str, Any]] = [answer(each).get("error", {}) for each in trying]
    return Step(
        "Gateway A's operator imports a file with a formula in a cell, and one that says two things at once",
        ok=[each.get("code") for each in refusals] == ["IMG-0136", "IMG-0137"],
        why="Every cell is text and every row is judged with all the others before anything is written.",
        facts=tuple((each.get("code", "TAKEN"), f"{each.get('where')}: {each.get('found')}") for each in refusals),
    )


def _spreadsheet(file: Path) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in _SHEET:
        sheet.append(row)
    book.save(file)
    return file


def _imported(day: str, preview: dict[str, Any], done: dict[str, Any]) -> Step:
    changed = preview.get("messages") or [{}]
    place = {name: changed[0].get(name, "") for name in ("subject", "code", "before", "after")}
    return Step(
        "Gateway B's operator imports a spreadsheet (XLSX) that holds from New Year on, and looks first",
        ok=done.get("published") is True and preview.get("published") is False and preview["messages_different"] > 0,
        why="The preview translates stored messages again: D1 is a box until then, and a carton from then on.",
        facts=(
            ("it would", preview_of(preview)),
            ("for example", "{subject}: {code} becomes {after}, not {before}".format(**place)),
            ("published", f"edition {done['edition']}, from {day} on" if "edition" in done else said(done)),
        ),
    )


def _drifted(report: dict[str, Any], published: dict[str, Any]) -> Step:
    found = [f"{each['how']} {each['code']} {each['theirs']}" for each in report.get("differences", ())]
    return Step(
        "TRACES got a new package code; gateway B's operator compares the lists",
        ok=published.get("edition") == _SECOND and len(found) == 1,
        why="Lists drift silently otherwise; ReferenceDataServiceV1 serves them, and the report says who must act.",
        facts=(
            ("at gateway A", f"edition {published.get('edition') or said(published)}: the refused files left none"),
            ("drift", "; ".join(found) or said(report)),
        ),
    )
