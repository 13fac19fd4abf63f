"""Every code system and code list as a page: whose it is, how well it is evidenced, where it comes from, on what terms.

``python -m mappings.describe_lists > docs/code-lists.md``; a test holds that the page is current.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from mappings.countries import base_label, iso_countries
from mappings.loading import load_tables
from mappings.models import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mappings.loading import Tables
    from mappings.models import CodeList, CodeMap

__all__ = ["describe_lists"]

_INTRODUCTION: Final = """\
# Code lists

Made by `python -m mappings.describe_lists` from `mappings/tables`; do not edit.

Every translation goes through the canonical system, which is TRACES reference data (Article 37(2) of Regulation (EU)
2019/1715). A file of `mappings/tables` holds one list or one map and says in its header where its rows come from.

*Grade* says how well the rows of a list are evidenced; a row may have a grade of its own. `official`: published by the
authority. `seen`: in a document, an answer or a source that is public. `secondary`: in what others published about it.
`own`: ours, where nobody published a code. `unverified`: hearsay. Codes and rows graded `unverified` are not used until
an operator confirms them, or with `allow_unconfirmed = true`, which is for the sandbox; *Waiting* counts the codes.
*Source* and *Licence* are numbers of lines of [Sources](#sources) and [Terms](#terms).

Codes are compared, names never are: TRACES fills names in by itself, and each system has its own for one place, package
or disease. Codes of border control posts are opaque keys. *Labels* are the languages beside English: of countries those
of the package pycountry, of the lists of a CHED the words of its printed form.
"""
_LARGE: Final = """\
Lists that are too large for a file, or that only their publisher may pass on, are loaded by an operator from the
publisher's own file: CN and TARIC, EPPO codes, HS, UN/LOCODE. [Reference data](reference-data.md) says how the trees,
posts and sections of TRACES are entered; the lists of the IPPC hub are synchronised with the hub.
"""


def describe_lists(tables: Tables) -> str:
    """The page in Markdown."""
    maps: dict[str, list[str]] = {}
    for code_map in tables.maps:
        maps.setdefault(code_map.list, []).append(code_map.system)
    canonical = sorted(tables.lists.values(), key=attrgetter("list"))
    others = sorted(tables.own_lists.values(), key=attrgetter("system", "list"))
    sources = list(dict.fromkeys(each.provenance.source for each in (*canonical, *others)))
    terms = _terms(tables)
    head = ("List", "Codes", "Waiting", "Labels", "Version", "Grade", "Authority", "Source", "Licence")
    return "\n".join(
        [
            _INTRODUCTION,
            "## Systems\n",
            _table(
                ("System", "Name", "Kind", "Authority", "Grade", "Source"),
                (
                    (f"`{each.id}`", each.name, each.kind, each.authority, each.grade, each.source)
                    for each in tables.systems.values()
                ),
            ),
            "## Canonical lists\n",
            _table(
                (*head, "Mapped"),
                ((*_list(each, sources, terms), ", ".join(sorted(set(maps.get(each.list, []))))) for each in canonical),
            ),
            "## Lists of other systems\n",
            _table(("System", *head), ((f"`{each.system}`", *_list(each, sources, terms)) for each in others)),
            "## Sources\n",
            "\n".join(f"{number}. {source}" for number, source in enumerate(sources, 1)) + "\n",
            _LARGE,
            "## Terms\n",
            "The texts of the licences of packages lie beside the files, in `mappings/tables/licence-*.txt`.\n",
            _table(("Number", "Licence", "Files"), _licences(tables, terms)),
        ]
    )


def _list(code_list: CodeList, sources: Sequence[str], terms: Sequence[str]) -> tuple[str, ...]:
    said = code_list.provenance
    waiting = sum(code.grade is Grade.UNVERIFIED for code in code_list.codes.values())
    languages = {language for code in code_list.codes.values() for language in code.labels}
    return (
        f"`{code_list.list}`",
        _count(code_list),
        str(waiting or ""),
        " ".join(sorted(languages)),
        said.version.partition("+")[0],
        said.grade,
        said.authority,
        str(sources.index(said.source) + 1),
        str(terms.index(said.licence) + 1),
    )


def _count(code_list: CodeList) -> str:
    """The number of codes; those of a package are not counted, because another version of it may have others."""
    if not code_list.provenance.version.endswith(base_label()):
        return str(len(code_list.codes))
    return f"ISO 3166-1 and {len(code_list.codes.keys() - iso_countries().keys())}"


def _files(tables: Tables) -> tuple[CodeList | CodeMap, ...]:
    return (*tables.lists.values(), *tables.own_lists.values(), *tables.maps)


def _terms(tables: Tables) -> tuple[str, ...]:
    return tuple(sorted({each.provenance.licence for each in _files(tables)}))


def _licences(tables: Tables, terms: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    found: dict[str, list[str]] = {licence: [] for licence in terms}
    for each in _files(tables):
        found[each.provenance.licence].append(each.name)
    common = max(found, key=lambda licence: len(found[licence]))
    for number, (licence, names) in enumerate(found.items(), 1):
        files = "all others" if licence == common else ", ".join(f"`{name}.csv`" for name in sorted(names))
        yield str(number), licence, files


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(describe_lists(load_tables()))
