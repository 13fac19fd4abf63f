"""What ``imsoc mappings load`` loads: a publisher's file, a captured reply, a list of our own form, or a partner's."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError, TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from lxml.etree import _Element

    from adapters.ippc_hub import IppcHubClient
    from adapters.traces_nt import TracesNtClient
    from gateway.access import Partner
    from gateway.cli.desk import Desk
    from gateway.exchange import Context
    from gateway.traces.models import ReferenceTest, ReferenceTestCategory, TreeNode
    from mappings.publishers import PublishedCode
    from mappings.reference.files import Record
    from mappings.reference.replacing import Source
    from mappings.reference.served import ServedMetadata

__all__ = ["Kind", "Partners", "Wanted", "hub_lists", "partners", "published", "whole_lists"]


class Kind(StrEnum):
    """What can be loaded."""

    CN = "cn"
    TARIC = "taric"
    EPPO = "eppo"
    HS = "hs"
    LOCODE = "locode"
    TREE = "tree"
    SECTIONS = "sections"
    METADATA = "metadata"
    TESTS = "tests"
    REFERENCE = "reference"
    HUB = "hub"


_MANY: Final = frozenset({Kind.CN, Kind.TARIC})
"""One file per language."""
_HUB: Final = "ippc-hub"
_LICENCE: Final = "as the partner allows"
_CATEGORIES: Final = "GetLaboratoryTestCategoriesResponse"
_TESTS: Final = "GetLaboratoryTestsResponse"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    kind: Kind
    day: date
    files: tuple[Path, ...] = ()
    partner: str = ""
    tree: str = ""
    name: str = ""
    languages: tuple[str, ...] = ("en",)
    details: bool = False

    @property
    def source(self) -> str:
        """For the edition: where it comes from."""
        return ", ".join(each.name for each in self.files) or self.partner

    def need(self, option: str, value: str) -> str:
        """An option that this kind cannot be without.

        Raises:
            ConfigurationError: IMG-0106.
        """
        if not value:
            raise ConfigurationError("IMG-0106", where=option, found="nothing", expected=f"what {self.kind} to load")
        return value


@dataclass(slots=True)
class Partners:
    """Services of partners, opened when the first is asked."""

    desk: Desk
    context: Context

    def record(self, name: str) -> Partner:
        """A partner that has lists.

        Raises:
            ConfigurationError: IMG-0105 there is none, IMG-0123 it has no delivery.
        """
        found = self.context.directory.by_id(name)
        if found is None or not found.enabled:
            raise ConfigurationError("IMG-0105", "There is no such partner", where=name, expected="imsoc partners list")
        if found.delivery is None:
            raise ConfigurationError("IMG-0123", where=f"partner {name}")
        return found

    def is_hub(self, name: str) -> bool:
        """Whether it speaks the hub's contract; else it is asked as TRACES."""
        delivery = self.record(name).delivery
        return delivery is not None and delivery.adapter == _HUB

    def traces(self, name: str) -> TracesNtClient:
        """The client of TRACES, or of a gateway in its role."""
        from gateway.ched.wiring import client_of  # noqa: PLC0415 - start-up

        return client_of(self.context, name, self.desk.settings.traces.client_id, where="PARTNER")

    def hub(self, name: str) -> IppcHubClient:
        """The client of a hub."""
        from adapters.ippc_hub import IppcHubClient  # noqa: PLC0415 - start-up

        delivery = self.record(name).delivery
        assert delivery is not None, "checked by record"
        return IppcHubClient.open(delivery)


@contextmanager
def partners(desk: Desk) -> Iterator[Partners]:
    """The services for one command; what they log goes to standard error, where it cannot spoil the answer."""
    from gateway.app import operating_cheds  # noqa: PLC0415 - start-up
    from gateway.cli.desk import logs_aside  # noqa: PLC0415 - start-up

    with logs_aside(), operating_cheds(desk.settings) as (context, _):
        yield Partners(desk, context)


# --- publishers ------------------------------------------------------------------------------------------------------


def published(wanted: Wanted) -> Iterator[PublishedCode]:
    """The codes of a publisher's file.

    Raises:
        ConfigurationError: IMG-0106 no file, or several where there is one.
        TranslationRefused: IMG-6030 to IMG-6034; XmlRefused: IMG-10xx.
    """
    from mappings import publishers  # noqa: PLC0415 - start-up

    if not wanted.files or (len(wanted.files) > 1 and wanted.kind not in _MANY):
        expected = "one file per language" if wanted.kind in _MANY else "one file"
        raise ConfigurationError("IMG-0106", where="FILE", found=f"{len(wanted.files)} files", expected=expected)
    if wanted.kind in _MANY:
        return publishers.read_taric(wanted.files, publishers.Nomenclature(wanted.kind.value))
    readers: dict[Kind, Callable[[Path], Iterator[PublishedCode]]] = {
        Kind.EPPO: publishers.read_eppo,
        Kind.HS: publishers.read_harmonized,
        Kind.LOCODE: publishers.read_locode,
    }
    return readers[wanted.kind](wanted.files[0])


# --- lists that are kept whole ---------------------------------------------------------------------------------------


def whole_lists(
    wanted: Wanted, known: Mapping[str, Sequence[Record]], ask: Callable[[], TracesNtClient]
) -> dict[str, bytes]:
    """Trees, sections, metadata and lists in our own form, by their names in the store.

    Args:
        wanted: what the command line asked for.
        known: the rows of all lists as they are now.
        ask: opens the partner.

    Raises:
        ConfigurationError: IMG-0104 a file cannot be read, IMG-0106 an option is missing or names no list.
        XmlRefused, SchemaInvalid: a captured reply is none.
        DeliveryError: the partner did not answer, or refused.
    """
    from mappings.reference import replacing  # noqa: PLC0415 - start-up

    source = _source(wanted)
    if wanted.kind is Kind.REFERENCE:
        return _own_form(wanted)
    if wanted.kind is Kind.SECTIONS:
        from gateway.traces.wire_reference import read_sections_response  # noqa: PLC0415 - start-up

        bodies = _bodies(wanted, "GetClassificationSectionsResponse")
        found = [each for body in bodies for each in read_sections_response(body)] if wanted.files else ask().sections()
        return replacing.replace_sections(known, found, source)
    if wanted.kind is Kind.TESTS:
        return replacing.replace_tests(known, *_tests(wanted, ask), source)
    if wanted.kind is Kind.METADATA:
        return replacing.replace_metadata(known, wanted.name, metadata_of(wanted, ask), source)
    tree = wanted.need("--tree", wanted.tree)
    roots, details = _captured_tree(wanted) if wanted.files else _asked_tree(wanted, ask())
    return replacing.replace_tree(
        known, tree, roots.nodes, name=roots.name or tree, day=wanted.day, source=source, details=details
    )


def metadata_of(wanted: Wanted, ask: Callable[[], TracesNtClient]) -> Sequence[ServedMetadata]:
    """The codes of one metadata list, from captured replies or the partner.

    Raises:
        As `whole_lists`.
    """
    from gateway.traces.wire_reference import read_metadatas_response  # noqa: PLC0415 - start-up

    kind = wanted.need("--list", wanted.name)
    if not wanted.files:
        return ask().metadatas(kind)
    found = [each for body in _bodies(wanted, "GetMetadatasResponse") for each in read_metadatas_response(body)]
    strangers = [each.list_id for each in found if each.list_id not in ("", kind)]
    if strangers:
        raise TranslationRefused("IMG-6030", where=wanted.source, found=strangers[0], expected=kind)
    return found


def _tests(
    wanted: Wanted, ask: Callable[[], TracesNtClient]
) -> tuple[Sequence[ReferenceTestCategory], Sequence[ReferenceTest]]:
    """Categories and tests, from captured replies or the partner."""
    from gateway.traces.wire_reference import read_categories_response, read_tests_response  # noqa: PLC0415 - start-up

    if not wanted.files:
        return ask().laboratory_tests()
    categories, tests = list["ReferenceTestCategory"](), list["ReferenceTest"]()
    for path in wanted.files:
        for body in _replies(path, (_CATEGORIES, _TESTS)):
            if str(body.tag).endswith(_CATEGORIES):
                categories += read_categories_response(body)
            else:
                tests += read_tests_response(body)
    return categories, tests


def _source(wanted: Wanted) -> Source:
    return {
        "authority": wanted.partner or "a captured reply of TRACES",
        "source": wanted.source,
        "version": wanted.day.isoformat(),
        "licence": _LICENCE,
        "grade": "official" if wanted.partner else "seen",
    }


def _own_form(wanted: Wanted) -> dict[str, bytes]:
    from mappings.reference.files import SPECS  # noqa: PLC0415 - start-up
    from mappings.reference.live import list_name  # noqa: PLC0415 - start-up

    names = [spec.name for spec in SPECS]
    if wanted.name not in names or len(wanted.files) != 1:
        raise ConfigurationError(
            "IMG-0106", where="--list", found=wanted.name, expected=f"{' | '.join(names)}, and one file"
        )
    return {list_name(wanted.name): _bytes(wanted.files[0])}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(path), found=error.strerror or "not readable") from error


def _bodies(wanted: Wanted, local: str) -> Iterator[_Element]:
    for path in wanted.files:
        yield from _replies(path, (local,))


def _replies(path: Path, locals_: Iterable[str]) -> Iterator[_Element]:
    """The replies in a file: the body alone, or a SOAP envelope as it was captured."""
    from adapters.traces_nt.limits import REPLY_LIMITS  # noqa: PLC0415 - start-up
    from gateway.xml.boundary import parse  # noqa: PLC0415 - start-up
    from gateway.xml.names import REF1, qn  # noqa: PLC0415 - start-up

    root = parse(_bytes(path), limits=REPLY_LIMITS).root
    wanted = [qn(REF1, local) for local in locals_]
    found = list(root.iter(*wanted))
    if not found:
        raise TranslationRefused("IMG-6030", where=path.name, found=str(root.tag), expected=" or ".join(locals_))
    return iter(found)


# --- trees -----------------------------------------------------------------------------------------------------------

_TREE: Final = "GetClassificationTreeResponse"
_DETAIL: Final = "GetClassificationTreeNodeDetailResponse"


@dataclass(slots=True)
class _Roots:
    nodes: dict[str, Sequence[TreeNode]] = field(default_factory=dict)
    """By language."""
    name: str = ""


def _captured_tree(wanted: Wanted) -> tuple[_Roots, dict[str, TreeNode]]:
    """Replies of any number of languages, and details of nodes."""
    from gateway.traces.wire_reference import read_node_response, read_tree_response  # noqa: PLC0415 - start-up

    roots, details = _Roots(), dict[str, "TreeNode"]()
    for path in wanted.files:
        for body in _replies(path, (_TREE, _DETAIL)):
            if str(body.tag).endswith(_DETAIL):
                node = read_node_response(body)
                details[node.path] = node
            elif nodes := read_tree_response(body):
                roots.nodes[nodes[0].language or "en"] = nodes
    if not roots.nodes:
        raise TranslationRefused("IMG-6030", where=wanted.source, found="no node", expected=_TREE)
    return roots, details


def _asked_tree(wanted: Wanted, client: TracesNtClient) -> tuple[_Roots, dict[str, TreeNode]]:
    from adapters.traces_nt import Caller  # noqa: PLC0415 - start-up

    roots = _Roots(name=next((each.name for each in client.trees() if each.id == wanted.tree), ""))
    for language in wanted.languages:
        roots.nodes[language] = client.tree(wanted.tree, Caller(language=language))
    if not any(roots.nodes.values()):
        raise TranslationRefused("IMG-6030", where=f"{wanted.partner} {wanted.tree}", found="an empty tree")
    details: dict[str, TreeNode] = {}
    if wanted.details:
        waiting = list(next(iter(roots.nodes.values())))
        while waiting:
            node = waiting.pop()
            details[node.path] = client.node(wanted.tree, path=node.path)
            waiting.extend(node.children)
    return roots, details


# --- the hub ---------------------------------------------------------------------------------------------------------


def hub_lists(wanted: Wanted, ask: Callable[[], IppcHubClient]) -> dict[str, bytes]:
    """The hub's lists by their names in the store: CSV files of our form, or what a hub serves.

    Raises:
        ConfigurationError: IMG-0104 a file cannot be read, IMG-0106 its name is none of a list.
        TranslationRefused: IMG-6030, the hub gave nothing at all.
        DeliveryError: the hub did not answer, or refused.
    """
    from adapters.ippc_hub import CodeList  # noqa: PLC0415 - start-up
    from mappings.hub_lists import LISTS, rows_from_xml, rows_to_csv  # noqa: PLC0415 - start-up
    from mappings.hub_live import PREFIX  # noqa: PLC0415 - start-up

    if wanted.files:
        elements = {spec.file: spec.element for spec in LISTS}
        if strangers := [path.name for path in wanted.files if path.name not in elements]:
            raise ConfigurationError("IMG-0106", where="FILE", found=strangers[0], expected=" | ".join(elements))
        return {f"{PREFIX}{elements[path.name]}": _bytes(path) for path in wanted.files}
    client = ask()
    found = {which: rows_from_xml(client.code_list(which)) for which in CodeList}
    provenance = {key: value for key, value in _source(wanted).items() if key != "grade"}
    lists = {f"{PREFIX}{which}": rows_to_csv(which, rows, provenance).encode() for which, rows in found.items() if rows}
    if not lists:
        raise TranslationRefused("IMG-6030", where=wanted.partner, found="ten empty lists")
    return lists
