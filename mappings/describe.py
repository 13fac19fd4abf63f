"""The mapping between the ePhyto and the TRACES form as a page, made from the tables themselves.

``python -m mappings.describe > docs/mapping-ephyto-traces.md``; a test holds that the page is current.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mappings.bindings import bindings, structure_rules
from mappings.loading import load_tables
from mappings.models import CodeMap, Direction, Loss, Otherwise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mappings.loading import Tables
    from mappings.models import Row

_INTRODUCTION = """\
# How an ePhyto becomes a TRACES document, and back

Made by `python -m mappings.describe` from `mappings/tables`; do not edit.

A certificate is kept as it was received. A translation is a new document without the sender's seal. A code that no row
names is refused with the row that is missing (Article 37(2) of Regulation (EU) 2019/1715). Where the column *Loss* says
`none`, there and back gives the same; `narrows` means that the target says less than the source, `widens` that it is
broader or spelt otherwise. Each loss is reported with its place. `python -m mappings.round_trip FILE --from ephyto --to
traces` translates a document there and back and prints every difference beside the loss that declares it.
"""


def describe(tables: Tables) -> str:
    """The page in Markdown."""
    parts = [_INTRODUCTION, _structure(), _places()]
    parts += [_list(tables, code_map) for code_map in tables.maps if code_map.system == "ephyto"]
    return "\n".join(parts)


def _structure() -> str:
    rows = ((rule.type, rule.ephyto, rule.traces, rule.loss, f"`{rule.row_id}`") for rule in structure_rules().values())
    return "## Differences of form\n\n" + _table(("UN/CEFACT type", "ePhyto", "TRACES", "Loss", "Row"), rows)


def _places() -> str:
    rows = [(f"`{place.type}/{place.element or '@' + place.attribute}`", place.list) for place in bindings().places]
    rows += [(f"`SPSNoteType/Content` where the subject is {key}", name) for key, name in bindings().notes.items()]
    rows += [(f"second Description of a treatment, after {key}", name) for key, name in bindings().treatments.items()]
    rows += [(f"ClassCode of the system {key}", name) for key, name in bindings().classes.items()]
    roles = ", ".join(f"{element} {role}" for element, role in bindings().roles.items())
    return (
        "## Places that carry a list\n\n"
        + _table(("Place", "List"), rows)
        + f"\nRoles by place (UNTDID 3035): {roles}.\n"
    )


def _list(tables: Tables, code_map: CodeMap) -> str:
    codes = tables.lists[code_map.list]
    lines = [
        f"## List `{code_map.list}`\n",
        f"Source: {code_map.provenance.source}. Version {code_map.provenance.version}.\n",
    ]
    if code_map.otherwise is Otherwise.IDENTITY:
        count = "the ISO 3166-1 codes and XI" if code_map.list == "country" else f"{len(codes.codes)} codes"
        lines.append(f"The codes of `{codes.name}.csv` ({count}) are the same on both sides, apart from these rows:\n")
    else:
        lines.append("Only these rows are translated:\n")
    if code_map.rows:
        head = ("ePhyto", "", "TRACES", "Loss", "Grade", "Why", "Row")
        lines.append(
            _table(head, ((*_pair(row), row.loss, row.grade, row.evidence, f"`{row.id}`") for row in code_map.rows))
        )
    else:
        lines[-1] = lines[-1].replace(", apart from these rows:", ".")
    return "\n".join(lines)


def _pair(row: Row) -> tuple[str, str, str]:
    arrow = {Direction.BOTH: "↔", Direction.IN: "→", Direction.OUT: "←", Direction.NONE: "refused"}[row.direction]
    return row.code or "(left out)", arrow, row.canonical or "(left out)"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str | Loss, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(describe(load_tables()))
