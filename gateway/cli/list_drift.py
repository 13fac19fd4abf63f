"""What ``imsoc mappings drift`` asks a partner for and compares, list by list."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import DeliveryError, TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from adapters.traces_nt import TracesNtClient
    from gateway.cli.desk import Desk
    from gateway.cli.list_loading import Partners
    from mappings.drift import Difference
    from mappings.reference import ReferenceData

__all__ = ["compared"]

_TYPES: Final = {"cheda": "A", "chedp": "P", "chedpp": "PP", "chedd": "D"}
_AT_MOST: Final = 1_000
"""CHEDs that are counted for one code."""
_NAMED: Final = 5
_SECTIONS: Final = "sections"
_TESTS: Final = "tests"
_NO_SUCH_LIST: Final = ("InvalidMetadataTypeException", "IMG-7312")

List = tuple[str, int, int, "list[Difference]"]
"""Its name, how many entries we and they have, and what differs."""


def compared(desk: Desk, services: Partners, partner: str, name: str, tell: Callable[[str], None]) -> dict[str, Any]:
    """The report of one partner's lists.

    Args:
        desk: the settings.
        services: of this instance.
        partner: whose lists.
        name: only this list; all when empty.
        tell: says what is asked for.

    Raises:
        ConfigurationError: IMG-0105, IMG-0123 the partner has no lists that can be asked for.
        TranslationRefused: IMG-6009, neither side has a list of that name.
        DeliveryError: the partner did not answer, or refused.
    """
    from mappings.drift import How, touched_rows  # noqa: PLC0415 - start-up
    from mappings.reference import LiveReference  # noqa: PLC0415 - start-up

    live = services.context.index
    data = LiveReference(live, desk.settings.translation.tables).now()
    today = datetime.now(UTC).date()
    missing: list[str] = []
    lists: list[List]
    if services.is_hub(partner):
        lists = list(_of_hub(desk, services, partner, name, tell))
    else:
        lists = list(_of_traces(data, services.traces(partner), name, today, tell, missing))
    if not lists and not missing:
        raise TranslationRefused("IMG-6009", where="--list", found=name)
    found = [each for _, _, _, differing in lists for each in differing]
    return {
        "partner": partner,
        "version": live.version,
        "lists": [
            {
                "list": of,
                "entries": ours,
                "theirs": theirs,
                **{how.value: sum(each.how is how for each in differing) for how in How},
            }
            for of, ours, theirs, differing in lists
        ],
        "differences": [asdict(each) for each in found],
        "rows": [asdict(each) for each in touched_rows(live.state, data, found)],
        "documents": list(_documents(services, found)),
        "not_served": missing,
    }


def _of_traces(
    data: ReferenceData,
    client: TracesNtClient,
    name: str,
    today: date,
    tell: Callable[[str], None],
    missing: list[str],
) -> Iterator[List]:
    from mappings import drift  # noqa: PLC0415 - start-up

    ours = {tree.id: tree for tree in data.trees.all()}
    tell("trees")
    theirs = {each.id for each in client.trees()}
    for each in sorted(ours.keys() | theirs):
        if name not in ("", each):
            continue
        tell(f"tree {each}")
        here = drift.our_tree(data, ours[each], today) if each in ours else {}
        there = drift.their_tree(client.tree(each)) if each in theirs else {}
        yield _list(f"tree {each}", here, there)
    if name in ("", _SECTIONS):
        tell(_SECTIONS)
        yield _list(_SECTIONS, drift.our_sections(data), drift.their_sections(client.sections()))
    if name in ("", _TESTS):
        tell(_TESTS)
        _, served = client.laboratory_tests()
        yield _list(_TESTS, drift.our_tests(data), drift.their_tests(served))
    yield from _metadata(data, client, name, today, tell, missing)


def _metadata(
    data: ReferenceData,
    client: TracesNtClient,
    name: str,
    today: date,
    tell: Callable[[str], None],
    missing: list[str],
) -> Iterator[List]:
    from mappings import drift  # noqa: PLC0415 - start-up

    for kind in sorted(data.metadata_types):
        if name not in ("", kind):
            continue
        tell(f"metadata {kind}")
        try:
            served = drift.their_metadata(client.metadatas(kind))
        except DeliveryError as error:
            if not any(word in f"{error.where} {error.message}" for word in _NO_SUCH_LIST):
                raise
            missing.append(kind)
            continue
        yield _list(f"metadata {kind}", drift.our_metadata(data, kind, today), served)


def _list(name: str, ours: dict[str, dict[str, str]], theirs: dict[str, dict[str, str]]) -> List:
    from mappings.drift import differences  # noqa: PLC0415 - start-up

    return name, len(ours), len(theirs), differences(name, ours, theirs)


def _of_hub(desk: Desk, services: Partners, partner: str, name: str, tell: Callable[[str], None]) -> Iterator[List]:
    from adapters.ippc_hub import CodeList  # noqa: PLC0415 - start-up
    from mappings.drift import hub_differences  # noqa: PLC0415 - start-up
    from mappings.hub_lists import rows_from_xml  # noqa: PLC0415 - start-up
    from mappings.hub_live import LiveHubLists  # noqa: PLC0415 - start-up

    ours = LiveHubLists(services.context.store, desk.settings.hub.lists).now()
    client = services.hub(partner)
    for which in CodeList:
        if name in ("", which):
            tell(which.operation)
            here, there = ours.items(which), rows_from_xml(client.code_list(which))
            yield which.value, len(here), len(there), hub_differences(which, here, there)


def _documents(services: Partners, found: Iterable[Difference]) -> Iterator[dict[str, Any]]:
    """CHEDs that name a commodity which changed or went: how many, and the newest."""
    from gateway.store import ChedQuery, ChedVisibility, TextFilter, find_cheds  # noqa: PLC0415 - start-up

    seen: set[tuple[str, str]] = set()
    for each in found:
        kind = _TYPES.get(each.list.removeprefix("tree "))
        if kind is None or not each.code or each.how == "added" or (kind, each.code) in seen:
            continue
        seen.add((kind, each.code))
        query = ChedQuery(
            visibility=ChedVisibility(everything=True),
            types=(kind,),
            cn_codes=(TextFilter(each.code),),
            page_size=_AT_MOST,
        )
        with services.context.store.read() as connection:
            rows = find_cheds(connection, query)
        if rows:
            newest = [row.reference or row.local_reference for row in rows[:_NAMED]]
            yield {"code": each.code, "cheds": len(rows), "newest": newest}
