"""ReferenceDataServiceV1 on the wire: what it answers, what it refuses and how, against the published captures."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique
sys.path.insert(0, str(Path(__file__).parents[1] / "traces"))

from reference_service import NOW, TABLES, Service
from shape import differences

from gateway.store import find_audit, open_store
from gateway.traces import wire_reference as wire
from gateway.xml.names import REF1, qn
from mappings.reference import FOLDER, load_reference


@pytest.fixture
def service(sqlite_url, tmp_path):
    with open_store(sqlite_url, exclusive=True) as store:
        yield Service(store, tmp_path, load_reference(TABLES))


@pytest.fixture
def service_with(sqlite_url, tmp_path):
    """The service with an operator's rows of nodes."""

    def build(*rows):
        (tmp_path / FOLDER).mkdir()
        header = "# list: nodes\n# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
        columns = "tree,path,cn,name,selectable,model,changed,valid_from,valid_to,grade\n"
        text = header + columns + "".join(f"{row}\n" for row in rows)
        (tmp_path / FOLDER / "nodes.csv").write_text(text, "utf-8")
        return Service(store, tmp_path, load_reference(TABLES, tmp_path))

    with open_store(sqlite_url, exclusive=True) as store:
        yield build


def capture(name):
    folder = os.environ.get("IMSOC_CONTRACTS")
    if not folder:
        pytest.skip("IMSOC_CONTRACTS is not set")
    return (Path(folder) / "traces-nt" / "faults" / name).read_bytes()


def test_the_trees_by_their_ids(service):
    trees = wire.read_trees_response(service.ask(wire.empty_request("GetClassificationTreesRequest")))
    assert {"cheda", "chedp", "chedd", "chedpp", "intra_trade"} <= {tree.id for tree in trees}


def test_a_tree_with_its_nodes_below_each_other(service):
    nodes = wire.read_tree_response(service.ask(wire.tree_request("cheda")))
    assert [(node.path, node.cn_code, node.selectable) for node in nodes] == [("R/N-10000", "01", False)]
    horses = nodes[0].children[0]
    assert (horses.path, horses.cn_code, horses.description) == (
        "R/N-10000/N-10065",
        "0101",
        "Live horses, asses, mules and hinnies",
    )
    assert horses.selectable
    assert not horses.attributes


def test_a_tree_speaks_the_callers_language_where_it_can(service):
    for _ in range(2):  # the second one is a kept reply
        assert wire.read_tree_response(service.ask(wire.tree_request("cheda"), language="nl"))[0].language == "nl"
        assert wire.read_tree_response(service.ask(wire.tree_request("cheda"), language="mt"))[0].language == "en"
        assert wire.read_tree_response(service.ask(wire.tree_request("cheda")))[0].description == "Live animals"


def test_the_older_spelling_of_intra_trade(service):
    nodes = wire.read_tree_response(service.ask(wire.tree_request("intra")))
    model = nodes[0].children[1].children[0]
    assert (model.type, model.model.id, model.cn_code) == ("certificate_model", "12151", "")


def test_a_node_by_path_and_by_code_with_its_attributes(service):
    by_path = wire.read_node_response(service.ask(wire.node_request("cheda", path="R/N-10000/N-10065")))
    by_code = wire.read_node_response(service.ask(wire.node_request("cheda", cn_code="0101")))
    assert by_path == by_code
    attributes = {each.id: each for each in by_path.attributes}
    assert attributes["CERTIFIED_AS_ACCESS"].values == ("MANDATORY",)
    assert attributes["CERTIFIED_AS_ACCESS"].kind == "FieldAccess"
    assert attributes["SPLITTING_CONFORM_CONSIGNMENT_ALLOWED"].values == ("ALLOWED",)
    assert attributes["COUNTRY_OF_ORIGIN_IS_MULTIPLE_CHOICE"].values == ("false",)
    assert attributes["CHED_NOT_ACCEPTABLE_MEASURE_POSSIBLE_VALUES"].values[:2] == ("REDISPATCHING", "SLAUGHTER")
    taxa = attributes["TAXON_POSSIBLE_VALUES"].taxa
    assert [(each.name, each.id, each.eppo_code) for each in taxa] == [
        ("Equus caballus", "142608", "1EQUCB"),
        ("Equus asinus", "142607", ""),
    ]
    columns = {each.id: each for each in attributes["AVAILABLE_CHED_DESCRIPTOR_COLUMNS"].columns}
    assert (columns["TAXON_ID"].type, columns["TAXON_ID"].cardinality) == ("TAXON", "MANDATORY")


def test_updates_since_a_moment(service_with):
    service = service_with(
        "noa,R/N-1,0101,Came,true,,,2026-05-01,,",
        "noa,R/N-2,0102,Went,true,,,,2026-05-31,",
        "noa,R/N-3,0103,Old,true,,2026-01-01,,,",
    )
    since = datetime(2026, 5, 1, 12, tzinfo=UTC)
    updates = wire.read_updates_response(service.ask(wire.updates_request("noa", since)))
    assert [(each.path, each.kind, each.at.date().isoformat()) for each in updates] == [
        ("R/N-1", "CREATED", "2026-05-01"),
        ("R/N-2", "DELETED", "2026-05-31"),
    ]
    assert [node.path for node in wire.read_tree_response(service.ask(wire.tree_request("noa")))] == ["R/N-1", "R/N-3"]


def test_sections_with_their_scopes_and_activities(service):
    request = wire.empty_request("GetClassificationSectionsRequest")
    sections = wire.read_sections_response(service.ask(request))
    birds = [section for section in sections if section.code == "BIRD-EST"]
    assert [[scope.code for scope in section.scopes] for section in birds] == [["THIRD_COUNTRIES"], ["EFTA", "EU"]]
    assert birds[0].chapter.name == "Animal"
    assert birds[0].activities[0].code == "terrestrial_animal_establishment"


def test_metadata_lists(service):
    types = wire.read_metadatas_response(service.ask(wire.metadatas_request("ACCOMPANYING_DOCUMENT_TYPE")))
    assert len(types) == 79
    assert (types[0].code, types[0].name, types[0].list_id) == ("AIRWAY_BILL", "Air Waybill", types[1].list_id)
    purposes = wire.read_metadatas_response(service.ask(wire.metadatas_request("CHED_PURPOSE")))
    assert "FREE_CIRCULATION" in {purpose.code for purpose in purposes}


def test_laboratory_tests_and_their_categories(service):
    request = wire.empty_request("GetLaboratoryTestCategoriesRequest")
    categories = wire.read_categories_response(service.ask(request))
    assert "ANIMAL_DISEASES_EQUINE" in {category.code for category in categories}
    tests = wire.read_tests_response(service.ask(wire.tests_request("RESIDUES")))
    assert [(test.id, test.active) for test in tests] == [("907", True), ("908", False)]


def test_a_certificate_model(service):
    model = wire.read_model_response(service.ask(wire.model_request("12151")))
    assert (model.id, model.created) == ("12151", datetime(2023, 8, 1, tzinfo=UTC))


def test_unknown_tree_and_node_are_refused_as_traces_does(service):
    text, name, reply = service.fault(wire.tree_request("nowhere"))
    assert (text, name) == ("Invalid classification tree ID", "PermissionDeniedException")
    assert not differences(reply, capture("GetClassificationTreeResponse.INVALID.xml"))
    text, name, reply = service.fault(wire.node_request("cheda", path="R/N-1"))
    assert (text, name) == ("Node not found", "NodeNotFoundException")
    assert not differences(reply, capture("GetClassificationTreeNodeDetailResponse.NOT_FOUND.xml"))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (wire.node_request("cheda", cn_code="9999"), "NodeNotFoundException"),
        (wire.node_request("nowhere", cn_code="0101"), "PermissionDeniedException"),
        (wire.updates_request("nowhere", NOW), "PermissionDeniedException"),
        (wire.metadatas_request("NOTHING"), "InvalidMetadataTypeException"),
        (wire.model_request("0"), "ModelNotFoundException"),
        (wire.tests_request("NOTHING"), "LaboratoryTestCategoryNotFoundException"),
        (wire.updates_request("cheda", NOW + timedelta(days=1)), "IllegalParametersException"),
    ],
)
def test_every_declared_fault_is_given(service, body, name):
    assert service.fault(body)[1] == name


def test_illegal_parameters_say_which_and_why(service):
    _, _, reply = service.fault(wire.updates_request("cheda", NOW + timedelta(seconds=1)))
    assert b"IMG-7315" in reply
    assert b"UpdatedSince" in reply


def test_a_path_and_a_code_at_once_break_the_schema(service):
    request = etree.fromstring(wire.node_request("cheda", path="R/N-10000"))
    etree.SubElement(request, qn(REF1, "CNCode")).text = "01"
    text, name, _ = service.fault(etree.tostring(request))
    assert name is None
    assert "cvc-complex-type" in text


def test_who_is_not_granted_the_service_is_refused(service):
    assert service.fault(wire.tree_request("cheda"), who="stranger")[1] == "PermissionDeniedException"
    text, name, _ = service.fault(wire.tree_request("cheda"), who="nobody")
    assert (text, name) == ("UnauthenticatedException", None)


def test_a_request_that_breaks_the_schema(service):
    text, name, _ = service.fault(f'<r:GetClassificationTreeRequest xmlns:r="{REF1}"/>'.encode())
    assert name is None
    assert text.startswith("com.sun.istack.SAXParseException2")


def test_every_question_leaves_its_trace(service):
    service.ask(wire.node_request("cheda", cn_code="0101"))
    with service.store.read() as connection:
        lines = find_audit(connection, "cheda")
    assert [(line.actor, line.action) for line in lines] == [("reader", "getClassificationTreeNodeDetail")]
