"""Reference data: what loads, what does not, what holds on which day, what an operator may change."""

import re
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ChedRefused, ConfigurationError
from mappings import load_tables
from mappings.models import Grade
from mappings.reference import FOLDER, AttributeKind, PostKind, load_reference
from mappings.reference.files import SPECS, read_list

DAY = date(2026, 11, 22)
TABLES = load_tables()
DATA = load_reference(TABLES)
HEADER = "# list: x\n# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
COLUMNS = {spec.name: ",".join(spec.columns) for spec in SPECS}
POST = "{code},A post,NL,Delft,NLDFT,Quay,HC,{types},{active},bcp,{start},{end},{grade}"


@pytest.fixture
def own(tmp_path):
    """``own("posts", rows...)`` writes an operator's list and gives the data with it."""
    (tmp_path / FOLDER).mkdir()

    def write(name, *rows, base="", header=HEADER, columns=None, **options):
        text = header + (f"# base: {base}\n" if base else "") + (columns or COLUMNS[name]) + "\n"
        (tmp_path / FOLDER / f"{name}.csv").write_text(text + "".join(f"{row}\n" for row in rows), "utf-8")
        return load_reference(TABLES, tmp_path, **options)

    return write


def post_row(code, types="PP", active="true", start="", end="", grade=""):
    return POST.format(code=code, types=types, active=active, start=start, end=end, grade=grade)


# --- posts


def test_a_post_says_where_it_is_and_what_it_may_decide_on():
    post = DATA.posts.find("NLRTM1", DAY)
    assert (post.country, post.city, post.locode, post.kind) == ("NL", "Rotterdam", "NLRTM", PostKind.BCP)
    assert post.active
    assert post.designated_for("PP")
    assert not DATA.posts.find("LVRIX1", DAY).designated_for("PP")
    assert DATA.posts.find("NLRTM-CP1", DAY).kind == "control-point"


def test_a_code_is_an_opaque_key():
    """Case, parts and the place of a code lead nowhere (REFERENCE_DATA 3)."""
    for code in ("nlrtm1", "NLRTM", "NLRTM12", "", "XIBEL", "GBBEL"):
        assert DATA.posts.find(code, DAY) is None
    assert {post.code for post in DATA.posts.at("GBBEL", DAY)} == {"XIBEL1", "XIBEL1-DAERA"}
    assert DATA.posts.at("ZZZZZ", DAY) == ()


def test_a_suspended_post_is_known_and_not_active():
    assert not DATA.posts.find("ROCND1", DAY).active


def test_a_post_holds_from_its_first_to_its_last_day(own):
    data = own("posts", post_row("NLDFT1", start="2026-02-01", end="2026-03-01"))
    active = {day: data.posts.find("NLDFT1", date.fromisoformat(day)).active for day in ("2026-02-01", "2026-03-01")}
    assert active == {"2026-02-01": True, "2026-03-01": True}
    for day in ("2026-01-31", "2026-03-02"):
        assert not data.posts.find("NLDFT1", date.fromisoformat(day)).active


def test_a_post_may_change_on_a_day(own):
    data = own(
        "posts",
        post_row("NLDFT1", types="P", end="2026-06-30"),
        post_row("NLDFT1", types="P PP", start="2026-07-01"),
    )
    assert not data.posts.find("NLDFT1", date(2026, 6, 30)).designated_for("PP")
    assert data.posts.find("NLDFT1", date(2026, 7, 1)).designated_for("PP")
    assert sum(post.code == "NLDFT1" for post in data.posts.all(DAY)) == 1


def test_an_operators_rows_go_over_ours_and_may_be_the_whole_list(own):
    added = own("posts", post_row("NLDFT1"), post_row("NLRTM1", types="A"))
    assert added.posts.find("NLRTM1", DAY).types == {"A"}
    assert added.posts.find("NLDFT1", DAY)
    assert added.posts.find("FRCDG4", DAY)
    alone = own("posts", post_row("NLDFT1"), base="none")
    assert [post.code for post in alone.posts.all(DAY)] == ["NLDFT1"]


def test_unverified_rows_wait_for_an_operator(own):
    assert DATA.posts.find("NLRTM4P", DAY) is None
    unconfirmed = load_reference(TABLES, allow_unconfirmed=True)
    assert unconfirmed.posts.find("NLRTM4P", DAY).grade is Grade.UNVERIFIED
    assert own("posts", post_row("NLDFT1", grade="unverified")).posts.find("NLDFT1", DAY) is None


# --- languages


def test_languages_of_the_member_state_of_entry():
    assert DATA.languages.of("BE") == ("nl", "fr", "de")
    assert DATA.languages.of("XI") == ("en",)
    assert DATA.languages.of("US") == ()
    assert len(DATA.languages.countries) == 28
    assert all(DATA.languages.of(country) for country in DATA.languages.countries)


def test_a_member_state_may_consent_to_another_language(own):
    data = own("languages", "NL,nl en,", languages={"DE": ["de", "en"]})
    assert data.languages.of("NL") == ("nl", "en")
    assert data.languages.of("DE") == ("de", "en")
    assert data.languages.of("FR") == ("fr",)


# --- trees


def access(*arguments):
    return DATA.access.access(*arguments, DAY)


def test_access_as_traces_answered_for_horses():
    assert access("cheda", "0101", "CERTIFIED_AS_ACCESS") == "MANDATORY"
    assert access("cheda", "0101", "PRODUCT_TEMPERATURE_ACCESS") == "DISABLED"
    assert access("cheda", "0101", "GOODS_COMPLIANCE_ACCESS") == "NOT_AVAILABLE"
    assert access("cheda", "0101", "TRANSPORTER_ACCESS") == "OPTIONAL"


def test_a_finer_code_takes_the_nearest_node_above():
    assert access("cheda", "0101210000", "CERTIFIED_AS_ACCESS") == "MANDATORY"
    assert access("chedp", "04090000", "PRODUCT_TEMPERATURE_ACCESS") == "OPTIONAL"
    assert access("chedp", "04069001", "PRODUCT_TEMPERATURE_ACCESS") == "MANDATORY"
    assert access("chedpp", "06031100", "ACCOMPANYING_DOCUMENT_ACCESS") == "MANDATORY"
    assert access("chedpp", "08051022", "ACCOMPANYING_DOCUMENT_ACCESS") == "OPTIONAL"


def test_a_column_of_the_table_of_goods_has_a_cardinality():
    assert access("cheda", "0101", "INDIVIDUAL_IDENTIFICATION_NUMBER") == "MANDATORY"
    assert access("cheda", "0101", "PACKAGE_COUNT") == "OPTIONAL"
    assert access("cheda", "0101", "AGE") == ""


@pytest.mark.parametrize(
    ("tree", "code", "attribute"),
    [
        ("nowhere", "0101", "CERTIFIED_AS_ACCESS"),
        ("cheda", "9999", "CERTIFIED_AS_ACCESS"),
        ("cheda", "", "CERTIFIED_AS_ACCESS"),
        ("cheda", "0101", "NO_SUCH_ACCESS"),
        ("cheda", "0101", "REFUSAL_REASON_POSSIBLE_VALUES"),
        ("phyto", "0101", "CERTIFIED_AS_ACCESS"),
    ],
)
def test_where_reference_data_say_nothing_the_answer_is_empty(tree, code, attribute):
    assert access(tree, code, attribute) == ""


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_access_answers_whatever_a_document_says(tree, code, attribute):
    assert access(tree, code, attribute) == ""
    assert access("cheda", code, attribute) in {"", "MANDATORY", "OPTIONAL", "NOT_AVAILABLE", "DISABLED"}


def test_the_answers_that_are_kept_are_bounded():
    data = load_reference(TABLES)
    for number in range(10_500):
        data.access.access("cheda", f"01{number:06}", "CERTIFIED_AS_ACCESS", DAY)
    assert len(data.access._answers[1]) < 10_002
    assert data.access.access("cheda", "0101", "CERTIFIED_AS_ACCESS", DAY) == "MANDATORY"


def test_a_node_is_found_by_path_and_by_code_with_everything_that_holds_for_it():
    detail = DATA.trees.by_path("cheda", "R/N-10000/N-10065", DAY)
    assert detail.node.cn == "0101"
    by_id = {attribute.id: attribute for attribute in detail.attributes}
    assert by_id["CHED_NOT_ACCEPTABLE_MEASURE_POSSIBLE_VALUES"].values[0] == "REDISPATCHING"
    assert by_id["AVAILABLE_CHED_DESCRIPTOR_COLUMNS"].kind is AttributeKind.COLUMNS
    assert by_id["TAXON_POSSIBLE_VALUES"].taxa[0].name == "Equus caballus"
    assert DATA.trees.by_code("cheda", "0101", DAY) == detail
    below = DATA.trees.by_path("cheda", "R/N-10000/N-10066", DAY)
    assert {each.id for each in below.attributes} >= {"CERTIFIED_AS_ACCESS"}  # from R


def test_the_older_spelling_of_a_tree_is_the_same_tree():
    assert DATA.trees.tree("intra") is DATA.trees.tree("intra_trade")


@pytest.mark.parametrize(
    ("code", "ask"),
    [
        ("IMG-7310", lambda: DATA.trees.tree("nowhere")),
        ("IMG-7310", lambda: DATA.trees.by_path("nowhere", "R/N-10000", DAY)),
        ("IMG-7310", lambda: DATA.trees.updates("nowhere", DAY, DAY)),
        ("IMG-7311", lambda: DATA.trees.by_path("cheda", "R/N-1", DAY)),
        ("IMG-7311", lambda: DATA.trees.by_code("cheda", "01019", DAY)),
        ("IMG-7312", lambda: DATA.codes("NOTHING")),
        ("IMG-7313", lambda: DATA.model("0")),
        ("IMG-7314", lambda: DATA.tests_of("NOTHING")),
    ],
)
def test_what_is_not_there_is_refused(code, ask):
    with pytest.raises(ChedRefused, match=code):
        ask()


def test_nodes_come_each_after_the_one_above_it():
    seen = {"R"}
    for node in DATA.trees.nodes("cheda", DAY):
        assert node.parent in seen
        seen.add(node.path)
    assert len(seen) > 15


def test_what_came_changed_and_went_since_a_day(own):
    data = own(
        "nodes",
        "noa,R/N-1,0101,Came,true,,,2026-05-01,,",
        "noa,R/N-2,0102,Went,true,,,,2026-05-31,",
        "noa,R/N-3,0103,Changed,true,,2026-05-02,,,",
        "noa,R/N-4,0104,Before,true,,2026-04-01,2026-03-01,,",
        "noa,R/N-5,0105,Comes,true,,,2027-01-01,,",
    )
    updates = data.trees.updates("noa", date(2026, 5, 1), DAY)
    assert [(update.node.path, update.change) for update in updates] == [
        ("R/N-1", "ADDED"),
        ("R/N-2", "REMOVED"),
        ("R/N-3", "CHANGED"),
    ]
    assert [node.path for node in data.trees.nodes("noa", DAY)] == ["R/N-1", "R/N-3", "R/N-4"]
    assert data.access.access("noa", "0102", "CERTIFIED_AS_ACCESS", DAY) == ""
    with pytest.raises(ChedRefused, match="IMG-7311"):
        data.trees.by_path("noa", "R/N-2", DAY)


def test_an_operator_says_what_goods_ask_of_a_box(own):
    data = own("attributes", "chedpp,R/N-908/N-90805,CERTIFIED_AS_ACCESS,MANDATORY,")
    assert data.access.access("chedpp", "08051022", "CERTIFIED_AS_ACCESS", DAY) == "MANDATORY"
    assert data.access.access("chedpp", "0808", "CERTIFIED_AS_ACCESS", DAY) == "NOT_AVAILABLE"


def test_a_name_in_another_language_and_english_where_there_is_none():
    node = DATA.trees.by_path("cheda", "R/N-10000", DAY).node
    assert node.name("fr") == ("fr", "Animaux vivants")
    assert node.name("mt") == ("en", "Live animals")


def test_every_attribute_that_the_rules_ask_for_has_a_name():
    """A name that is misspelt would never be answered, and nobody would notice."""
    rules = Path(__file__).parents[2] / "gateway" / "rules" / "ched"
    asked = {
        name
        for file in (*rules.rglob("*.py"), *rules.rglob("*.toml"))
        for name in re.findall(r"[A-Z][A-Z_]+_ACCESS", file.read_text("utf-8"))
    }
    layer = resources.files("mappings.reference").joinpath("data")
    spec = next(each for each in SPECS if each.name == "attribute-names")
    assert asked
    assert asked <= {record["id"] for record in read_list(spec, [layer])}


def test_possible_values_are_codes_of_the_list_they_are_taken_from():
    lists = {
        "CHED_CERTIFIED_AS_POSSIBLE_VALUES": "ched-certified-as",
        "CHED_FOLLOW_UP_NON_COMPLIANCE_REASONS": "ched-follow-up-reason",
        "CHED_FREE_CIRCULATION_DESTINATION_TYPE_POSSIBLE_VALUES": "ched-free-circulation-destination-type",
        "CHED_MONITORING_PROCEDURE_POSSIBLE_VALUES": "ched-monitoring-procedure",
        "CHED_NOT_ACCEPTABLE_MEASURE_POSSIBLE_VALUES": "ched-not-acceptable-measure",
        "LABORATORY_TEST_MOTIVATION_POSSIBLE_VALUES": "laboratory-test-motivation",
        "REFUSAL_REASON_POSSIBLE_VALUES": "refusal-reason",
    }
    attributes = {each.id: each for each in DATA.trees.by_code("cheda", "0101", DAY).attributes}
    for attribute, name in lists.items():
        assert attributes[attribute].values
        assert set(attributes[attribute].values) <= TABLES.lists[name].codes.keys()
    documents = {each.code for each in DATA.codes("ACCOMPANYING_DOCUMENT_TYPE")}
    assert set(attributes["ACCOMPANYING_DOCUMENT_TYPE_POSSIBLE_VALUES"].values) <= documents
    categories = {each.id for each in DATA.categories}
    assert set(attributes["POSSIBLE_LABORATORY_TEST_CATEGORIES"].values) <= categories


# --- sections, metadata, tests


def test_a_section_code_is_not_unique():
    scopes = [[scope.code for scope in each.scopes] for each in DATA.sections if each.code == "BIRD-EST"]
    assert scopes == [["THIRD_COUNTRIES"], ["EFTA", "EU"]]


def test_the_metadata_lists_hold_what_traces_listed_and_our_code_lists():
    assert len(DATA.codes("ACCOMPANYING_DOCUMENT_TYPE")) == 79
    assert {code.code for code in DATA.codes("CHED_PURPOSE")} >= {"FREE_CIRCULATION", "TEMPORARY_ADMISSION"}
    assert {code.code for code in DATA.codes("OPERATOR_ACTIVITY_TYPE")} >= {"registered_transporter"}


def test_tests_of_a_category():
    assert [test.id for test in DATA.tests_of("RESIDUES")] == ["907", "908"]
    assert [test.active for test in DATA.tests_of("RESIDUES")] == [True, False]


# --- files


@pytest.mark.parametrize(
    ("name", "row", "code"),
    [
        ("posts", post_row("NLDFT1", types="X"), "IMG-0130"),
        ("posts", post_row("NLDFT1", active="perhaps"), "IMG-0130"),
        ("posts", post_row("NLDFT1", start="1.2.2026"), "IMG-0130"),
        ("posts", post_row(""), "IMG-0130"),
        ("posts", post_row("NLDFT1", grade="rumour"), "IMG-0130"),
        ("posts", post_row("NLDFT1").replace(",bcp,", ",ferry,"), "IMG-0130"),
        ("posts", "NLDFT1,too,few", "IMG-0130"),
        ("posts", '"NLDFT1', "IMG-0130"),
        ("posts", f"{post_row('NLDFT1')}\n{post_row('NLDFT1')}", "IMG-0131"),
        ("nodes", "cheda,R/N-1/N-2,0999,No parent,true,,,,,", "IMG-0131"),
        ("nodes", "nowhere,R/N-1,0999,No tree,true,,,,,", "IMG-0131"),
        ("nodes", "cheda,R/N-1,0999,No model,true,4711,,,,", "IMG-0131"),
        ("nodes", "cheda,R/N-1,09x,No code,true,,,,,", "IMG-0130"),
        ("nodes", f"cheda,R{'/N' * 61},0999,Too deep,true,,,,,", "IMG-0130"),
        ("attributes", "cheda,R/N-1,CERTIFIED_AS_ACCESS,MANDATORY,", "IMG-0131"),
        ("attributes", "cheda,R,NO_SUCH_ACCESS,MANDATORY,", "IMG-0131"),
        ("attributes", "cheda,R,CERTIFIED_AS_ACCESS,PERHAPS,", "IMG-0130"),
        ("attributes", "cheda,R,AVAILABLE_CHED_DESCRIPTOR_COLUMNS,QUANTITY,", "IMG-0130"),
        ("attributes", "cheda,R,TAXON_POSSIBLE_VALUES,1|Equus,", "IMG-0130"),
        ("attribute-names", "NEW_ACCESS,FEELING,New,", "IMG-0130"),
        ("sections", "NEW,EU,New,nowhere,true,true,,", "IMG-0131"),
        ("sections", "NEW,EU,New,,true,true,,", "IMG-0130"),
        ("sections", "NEW,EU,New,food,true,true,nothing,", "IMG-0131"),
        ("tests", "1,NOTHING,New,true,", "IMG-0131"),
    ],
)
def test_a_wrong_row_is_named_with_its_file_and_line(own, name, row, code):
    with pytest.raises(ConfigurationError, match=code) as refused:
        own(name, row)
    assert ".csv line" in refused.value.where


def test_a_file_without_provenance_or_with_other_columns_does_not_load(own):
    with pytest.raises(ConfigurationError, match="IMG-0130") as refused:
        own("posts", header="# list: x\n")
    assert "authority" in refused.value.expected
    with pytest.raises(ConfigurationError, match="IMG-0130"):
        own("posts", columns="code,name")


def test_a_file_that_is_not_utf8_does_not_load(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "posts.csv").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="IMG-0130"):
        load_reference(TABLES, tmp_path)


def test_an_operator_without_a_folder_of_lists_has_ours(tmp_path):
    assert load_reference(TABLES, tmp_path).posts.all(DAY) == DATA.posts.all(DAY)


def test_every_list_of_the_package_is_read():
    """A file that no list is named after would be forgotten silently."""
    files = {entry.name for entry in resources.files("mappings.reference").joinpath("data").iterdir()}
    assert files == {spec.file for spec in SPECS}
