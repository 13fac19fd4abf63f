"""The codes of a CHED as a page: where they stand, what is known about each, how the sandbox's national system says it.

``python -m mappings.describe_cheds > docs/ched-codes.md``; a test holds that the page is current.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from mappings.bindings import bindings
from mappings.loading import load_tables
from mappings.models import Direction, Otherwise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mappings.loading import Tables
    from mappings.models import CodeList

__all__ = ["describe_cheds"]

_EXAMPLE: Final = "national-b"
_INTRODUCTION: Final = """\
# The codes of a CHED

Made by `python -m mappings.describe_cheds` from `mappings/tables`; do not edit.

TRACES exchanges use TRACES reference data (Article 37(2) of Regulation (EU) 2019/1715): a national system's codes are
translated before its CHED goes on, and back in the answers. A code that no row names is refused with list, code and
place, and nothing is guessed. Units, packages, modes of transport, countries and types of documents are translated as
in every certificate. CN and EPPO codes, kinds of products, identification systems, border control posts, schemes of
identifiers and the meaning of a signature are translated where a system has a table for their list, and carried as they
are where it has none; labels and words always are. A row may hold for one kind of CHED alone: its context is `636/A`,
`636/P`, `636/PP` or `636/D`.

*Grade* says how well a code is evidenced. `seen`: in a document or an answer of TRACES. `secondary`: in what others
published about it. `own`: TRACES was not seen to have a code for this option of Annex II, so that the code is ours;
when the real one is known, a row in a table of your own replaces it. The last column shows how `national-b`, an
invented national system, says it; `=` where it says the same.
"""


def describe_cheds(tables: Tables) -> str:
    """The page in Markdown."""
    bound = bindings()
    places: dict[str, list[str]] = {}
    for names, where in ((bound.clauses, "clause {}"), (bound.subjects, "note {}"), (bound.types, "TypeCode {}")):
        for name, code_list in names.items():
            places.setdefault(code_list, []).append(where.format(f"`{name}`"))
    words = ", ".join(places.pop("", []))
    places |= {
        "ched-clause": ["ID of a clause"],
        "ched-note-subject": ["SubjectCode of a note"],
        "document-relation": ["RelationshipTypeCode of another document"],
        "party-role": ["RoleCode of a party"],
        "party-identifier": ["schemeID of a party's ID"],
    }
    parts = [_INTRODUCTION, f"Words, numbers and dates stand in: {words}.\n"]
    for name in sorted(places):
        parts += [f"## List `{name}`\n", f"Stands in: {', '.join(places[name])}.\n", _codes(tables, tables.lists[name])]
    return "\n".join(parts)


def _codes(tables: Tables, code_list: CodeList) -> str:
    said, others = _example(tables, code_list.list)
    rows = (
        (f"`{code.code}`", code.name, code.grade, said.get(code.code, others), code.note)
        for code in code_list.codes.values()
    )
    return _table(("Code", "Label", "Grade", _EXAMPLE, "Note"), rows)


def _example(tables: Tables, name: str) -> tuple[dict[str, str], str]:
    """What the example system says, by canonical code, and what it says to all others."""
    arrows = {Direction.BOTH: "`{}`", Direction.OUT: "`{}`, one way", Direction.NONE: "refused"}
    code_map = next(each for each in tables.maps if (each.system, each.list) == (_EXAMPLE, name))
    said = {row.canonical: arrows.get(row.direction, "`{}`").format(row.code) for row in code_map.rows if row.canonical}
    return said, "=" if code_map.otherwise is Otherwise.IDENTITY else "refused"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(describe_cheds(load_tables()))
