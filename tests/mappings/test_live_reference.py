"""Reference data that follow the store: what is loaded is served, by parts, with its days, and never half."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.errors import ConfigurationError, Unavailable
from gateway.store import (
    NewRow,
    RowKind,
    TableKey,
    add_rows,
    begin_change,
    latest_edition,
    open_store,
    publish_change,
    upgrade,
)
from gateway.traces.models import (
    CertificateModel,
    Metadata,
    NodeAttribute,
    NodeColumn,
    ReferenceTest,
    ReferenceTestCategory,
    Scope,
    Section,
    TreeNode,
)
from mappings import load_tables
from mappings.following import StoredFile, StoredFolder
from mappings.hub_live import LiveHubLists
from mappings.live import LiveTables
from mappings.loaded import changed_lists, newest_edition, publish_lists
from mappings.reference import LiveFacts, LiveReference, load_reference
from mappings.reference.live import stored_layers
from mappings.reference.loading import read_records
from mappings.reference.replacing import replace_metadata, replace_sections, replace_tests, replace_tree

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
DAY = NOW.date()
LATER = date(2027, 1, 1)
TABLES = load_tables()
SOURCE = {"authority": "a", "source": "b", "version": "1", "licence": "c", "grade": "seen"}
POSTS = (
    b"# list: posts\n# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
    b"code,name,country,city,locode,address,categories,types,active,kind,valid_from,valid_to,grade\n"
    b"NLNEW1,New post,NL,Delft,NLDFT,Quay,HC,PP,true,bcp,,,\n"
)
PESTICIDES = (
    b"# list: Pesticide\n# authority: us\n# source: us\n# version: 1\n# licence: none\n"
    b"# lastModified: 2026-11-22T00:00:00Z\n# lastModifiedBy: us\nactive,code,description\ntrue,NEW1,invented\n"
)


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def store(tmp_path):
    url = f"sqlite:///{tmp_path / 'imsoc.db'}"
    upgrade(url)
    store = open_store(url, exclusive=True)
    yield store
    store.close()


@pytest.fixture
def clock():
    """Looks are due when it is set forward."""
    return Clock()


@pytest.fixture
def reference(store, clock):
    return LiveReference(LiveTables(TABLES, store, monotonic=clock), monotonic=clock)


def publish(store, lists):
    changed = changed_lists(store, lists)
    return publish_lists(
        store,
        changed,
        expected=newest_edition(store),
        author="us",
        reason="test",
        at=NOW,
        effective_on=DAY,
        source="test",
    )


def known_of(lists=None):
    return read_records(
        stored=stored_layers({name.removeprefix("reference/"): text for name, text in (lists or {}).items()})
    )


def data_of(lists):
    return load_reference(
        TABLES, stored=stored_layers({n.removeprefix("reference/"): text for n, text in lists.items()})
    )


# --- following


def test_a_list_that_is_loaded_is_served_within_one_look(store, clock, reference):
    facts = LiveFacts(reference)
    before = reference.now()
    publish(store, {"reference/posts": POSTS})
    assert reference.now() is before
    clock.now += 0.5
    assert facts.find("NLNEW1", DAY).designated_for("PP")
    assert before.posts.find("NLNEW1", DAY) is None
    assert facts.find("NLRTM1", DAY) is not None
    assert (facts.of("NL"), facts.knows("ched-type", "PP", DAY)) == (("nl",), True)
    assert facts.access("cheda", "0101", "MEANS_OF_TRANSPORT_ACCESS", DAY) == "MANDATORY"


def test_lists_of_a_store_that_was_restored_are_those_that_it_has(store, clock, tmp_path, monkeypatch):
    lists = LiveHubLists(store, monotonic=clock)
    for content in (PESTICIDES, PESTICIDES.replace(b"NEW1", b"NEW2")):
        publish(store, {"hub/Pesticide": content})
    clock.now += 0.5
    assert b"NEW2" in lists.now().response("Pesticide")
    url = f"sqlite:///{tmp_path / 'backup.db'}"
    upgrade(url)
    with open_store(url, exclusive=True) as backup:
        publish(backup, {"hub/Pesticide": PESTICIDES})
        monkeypatch.setattr(lists._following, "_store", backup)
        clock.now += 0.5
        assert b"NEW1" in lists.now().response("Pesticide")


def test_a_list_of_the_hub_is_served_within_one_look(store, clock):
    lists = LiveHubLists(store, monotonic=clock)
    assert b"NEW1" not in lists.now().response("Pesticide")
    publish(store, {"hub/Pesticide": PESTICIDES})
    clock.now += 0.5
    answer = lists.now().response("Pesticide")
    assert b"<lastModified>2026-11-22T00:00:00Z</lastModified>" in answer
    assert lists.now().is_active("Pesticide", "NEW1")


def test_a_code_of_the_tables_shows_as_metadata_and_to_the_rules(store, clock, reference):
    facts = LiveFacts(reference)
    trees = reference.now().trees
    assert facts.knows("package", "ZZ9", DAY) is False
    change = store.write(lambda connection: begin_change(connection, at=NOW, author="us"))
    row = NewRow(TableKey(RowKind.CODE, "traces", "package"), "ZZ9", valid_from="2026-12-01", name="New")
    store.write(lambda connection: add_rows(connection, change, [row]))
    store.write(
        lambda connection: publish_change(
            connection, change, expected=0, at=NOW, author="us", reason="x", kind="change", effective_on="2026-12-01"
        )
    )
    clock.now += 0.5
    assert [facts.knows("package", "ZZ9", day) for day in (DAY, LATER)] == [False, True]
    served = {each.code: each.active for each in reference.now().codes("PACKAGE", LATER)}
    assert (served["ZZ9"], served["BX"]) == (True, True)
    assert {each.code: each.active for each in reference.now().codes("PACKAGE", DAY)}["ZZ9"] is False
    assert reference.now().trees is trees, "lists that did not change are not read again"


def test_accompanying_document_types_are_those_of_the_tables():
    data = load_reference(TABLES)
    assert "ACCOMPANYING_DOCUMENT_TYPE" not in data.metadata
    codes = data.codes("ACCOMPANYING_DOCUMENT_TYPE")
    assert [each.code for each in codes] == list(TABLES.lists["accompanying-document-type"].codes)
    assert len(codes) == 79


def test_what_contradicts_is_not_taken_over_and_what_follows_is(store, clock, reference):
    before = reference.now()
    publish(store, {"reference/posts": POSTS.replace(b"bcp", b"port")})
    clock.now += 0.5
    assert reference.now() is before
    assert reference._following.trouble.code == "IMG-0130"
    with pytest.raises(ConfigurationError):
        LiveReference(LiveTables(TABLES, store))
    publish(store, {"reference/posts": POSTS})
    clock.now += 0.5
    assert reference.now().posts.find("NLNEW1", DAY) is not None
    assert reference._following.trouble is None


def test_a_store_that_is_away_changes_nothing(store, clock, monkeypatch):
    lists = LiveHubLists(store, monotonic=clock)
    before = lists.now()
    clock.now += 0.5
    with monkeypatch.context() as away:
        away.setattr(store, "read", lambda: (_ for _ in ()).throw(Unavailable("IMG-9001")))
        assert lists.now() is before
    assert lists.now() is before


def test_of_two_that_load_one_is_told(store):
    publish(store, {"reference/posts": POSTS})
    arguments = {"author": "us", "reason": "x", "at": NOW, "effective_on": DAY, "source": "mine"}
    with pytest.raises(ConfigurationError) as refused:
        publish_lists(store, {"reference/posts": b"other"}, expected=0, **arguments)
    assert (refused.value.code, refused.value.found) == ("IMG-0138", "edition 1 by us: test")
    with store.read() as connection:
        assert latest_edition(connection) == 1
        left = connection.exec_driver_sql("SELECT count(*) FROM reference_changes").scalar()
    assert left == 1, "what was not published is taken away"
    assert changed_lists(store, {"reference/posts": POSTS}) == {}


def test_a_file_that_is_not_there_is_none():
    folder = StoredFolder({"a.csv": b"x"})
    assert not folder.joinpath("b.csv").is_file()
    assert list(folder.iterdir()) == [StoredFile("a.csv", b"x")]
    with pytest.raises(FileNotFoundError):
        folder.joinpath("b.csv").read_bytes()


# --- trees in the place of ours


def node(path, name, cn="", kind="nomenclature", **more):
    return TreeNode(path, kind, description=name, cn_code=cn, **{"selectable": True, **more})


HORSES = node("R/N-10000/N-10065", "Live horses", "0101")
PONIES = node("R/N-10000/N-77", "Ponies", "0106")
MODEL = CertificateModel("4711", "4711", "A model", created=NOW)
MODELLED = node("R/N-10000/C-4711", "A model", kind="certificate_model", model=MODEL)
LIVE = node("R/N-10000", "Live animals", "01", selectable=False, children=(HORSES, PONIES, MODELLED))


def test_a_tree_takes_the_place_of_ours_and_tells_what_changed():
    lists = replace_tree(known_of(), "cheda", {"en": [LIVE]}, name="x", day=LATER, source=SOURCE)
    data = data_of(lists)
    here = {node.path for node in data.trees.nodes("cheda", LATER)}
    assert here == {"R/N-10000", "R/N-10000/N-10065", "R/N-10000/N-77", "R/N-10000/C-4711"}
    updates = {each.node.path: each.change for each in data.trees.updates("cheda", DAY, LATER)}
    assert updates["R/N-10000/N-77"] == "ADDED"
    assert updates["R/N-10000/N-10065"] == "CHANGED"
    assert updates["R/N-10000/N-10066"] == "REMOVED"
    assert "R/N-10000" not in updates
    assert data.model("4711").title == "A model"
    assert data.trees.nodes("chedpp", LATER) == load_reference(TABLES).trees.nodes("chedpp", LATER)
    assert data.access.access("cheda", "0101", "MEANS_OF_TRANSPORT_ACCESS", LATER) == "MANDATORY", "attributes stay"


def test_the_same_tree_again_changes_nothing():
    first = replace_tree(known_of(), "cheda", {"en": [LIVE]}, name="x", day=LATER, source=SOURCE)
    again = replace_tree(known_of(first), "cheda", {"en": [LIVE]}, name="x", day=LATER, source=SOURCE)
    assert {name: first[name] for name in again} == again


def test_a_node_that_comes_back_begins_anew():
    without = replace(LIVE, children=())
    first = replace_tree(known_of(), "cheda", {"en": [without]}, name="x", day=DAY, source=SOURCE)
    second = replace_tree(known_of(first), "cheda", {"en": [LIVE]}, name="x", day=LATER, source=SOURCE)
    node = data_of(first | second).trees.tree("cheda").nodes["R/N-10000/N-10065"]
    assert (node.valid_from, node.valid_to) == (LATER, None)


def test_other_languages_are_labels_and_a_new_name_there_is_a_change():
    french = replace(LIVE, description="Animaux", language="fr", children=())
    lists = replace_tree(known_of(), "cheda", {"en": [LIVE], "fr": [french]}, name="x", day=LATER, source=SOURCE)
    data = data_of(lists)
    node = data.trees.tree("cheda").nodes["R/N-10000"]
    assert node.name("fr") == ("fr", "Animaux")
    assert node.name("de") == ("de", "Lebende Tiere"), "languages that were not asked for stay"
    assert node.changed == LATER
    only = replace_tree(known_of(), "new", {"fr": [french]}, name="Neuf", day=DAY, source=SOURCE)
    assert data_of(only).trees.tree("new").name == "Neuf"


def test_details_bring_attributes_and_what_the_node_above_says_is_not_said_again():
    access = NodeAttribute("FieldAccess", "NEW_ACCESS", "New", values=("MANDATORY",))
    columns = NodeAttribute(
        "DescriptorColumn", "AVAILABLE_CHED_DESCRIPTOR_COLUMNS", "Columns",
        columns=(NodeColumn("NEW_COLUMN", "STRING", "New", "MANDATORY"),),
    )  # fmt: skip
    strange = NodeAttribute("SelectableDocumentLink", "LINK", "Not ours", values=("x",))
    details = {
        "R/N-10000": replace(LIVE, attributes=(access, strange)),
        "R/N-10000/N-10065": replace(HORSES, attributes=(access, columns)),
    }
    lists = replace_tree(known_of(), "cheda", {"en": [LIVE]}, name="x", day=DAY, source=SOURCE, details=details)
    data = data_of(lists)
    assert data.access.access("cheda", "0106", "NEW_ACCESS", DAY) == "MANDATORY"
    assert data.access.access("cheda", "0101", "NEW_COLUMN", DAY) == "MANDATORY"
    assert data.access.access("cheda", "0101", "CHECK_IMPACT_TRANSPORT_ANIMALS_ACCESS", DAY) == ""
    assert lists["reference/attributes/cheda"].count(b"NEW_ACCESS") == 1
    assert b"LINK" not in lists["reference/attributes/cheda"]


# --- sections and metadata in the place of ours


def test_sections_that_are_no_longer_served_are_not_active():
    served = Section(
        "NEW", "A section", Scope("veterinary"), scopes=(Scope("ALL", "All"),),
        activities=(Metadata("new_activity", "New", "OPERATOR_ACTIVITY_TYPE"),),
    )  # fmt: skip
    data = data_of(replace_sections(known_of(), [served], SOURCE))
    first, second = data.sections[:2]
    assert (first.code, first.active, first.activities[0].name) == ("NEW", True, "New")
    assert (second.code, second.active) == ("ACT", False)


def test_metadata_that_are_no_longer_served_are_not_active():
    served = [Metadata("EU", "European Union", "META_COUNTRY_GROUP"), Metadata("NEW", "New", "META_COUNTRY_GROUP")]
    data = data_of(replace_metadata(known_of(), "META_COUNTRY_GROUP", served, SOURCE))
    found = {each.code: (each.name, each.active) for each in data.codes("META_COUNTRY_GROUP")}
    assert found["EU"] == ("European Union", True)
    assert found["NEW"][1]
    assert not found["EFTA"][1]


def test_laboratory_tests_that_are_no_longer_served_are_not_active():
    category = ReferenceTestCategory("NEW_CATEGORY", "New")
    served = [ReferenceTest("1", "A test", "NEW_CATEGORY"), ReferenceTest("901", "Renamed", "ANIMAL_DISEASES_EQUINE")]
    equine = ReferenceTestCategory("ANIMAL_DISEASES_EQUINE", "Horses")
    data = data_of(replace_tests(known_of(), [category, equine], served, SOURCE))
    assert [each.name for each in data.tests_of("NEW_CATEGORY")] == ["A test"]
    found = {each.id: (each.name, each.active) for each in data.tests_of("ANIMAL_DISEASES_EQUINE")}
    assert found["901"] == ("Renamed", True)
    assert not found["902"][1]
    assert not any(each.id == "ANIMAL_DISEASES_FISH" for each in data.categories), "no test is in it"
