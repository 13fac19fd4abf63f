"""Places whose list not every system has a table for: translated where there is one, carried where there is none."""

from copy import deepcopy
from datetime import date

import pytest
from lxml import etree

from gateway.errors import TranslationRefused
from gateway.sandbox.samples import certificate
from gateway.xml.boundary import parse
from gateway.xml.names import PREFIXES, RAM21, SPS17, qn
from mappings import find_gaps, load_tables, translate
from mappings.bindings import bindings
from mappings.document_types import context_of, document_type, is_ched
from mappings.round_trip import as_text, round_trip

pytestmark = pytest.mark.short

DAY = date(2026, 11, 22)
SHIPPED = load_tables().compile(DAY)
HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
LIST = "code,name,valid_from,valid_to,grade,note\n"
MAP = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"


@pytest.fixture
def extended(tmp_path):
    """The shipped tables with further lists and rows."""

    def made(*maps, lists=()):
        for name, codes in lists:
            rows = "".join(f"{code},{code},,,,\n" for code in codes)
            (tmp_path / f"list-{name}.csv").write_text(f"# list: {name}\n{HEADER}{LIST}{rows}", "utf-8")
        for system, name, rows in maps:
            head = f"# list: {name}\n# system: {system}\n# otherwise: refuse\n{HEADER}{MAP}"
            lines = "".join(f"{row}\n" for row in rows)
            (tmp_path / f"map-{system}-{name}.csv").write_text(head + lines, "utf-8")
        return load_tables(None, [tmp_path]).compile(DAY)

    return made


def element(tag, *children, text=None, **attributes):
    made = etree.Element(qn(RAM21, tag), attributes)
    made.text = text
    made.extend(children)
    return made


def plain():
    """A certificate of one line, with the six digits that HS and CN share."""
    return parse(certificate(lines=1).replace(b"08055010", b"080550")).root


def texts(root, path):
    return root.xpath(path, namespaces=PREFIXES)


def there_and_back(root, index, source, target="traces"):
    trip = round_trip(root, source=source, target=target, index=index)
    assert trip.exact, as_text(trip)
    assert not trip.differences
    return translate(root, source=source, target=target, index=index)


# Class codes.


def classified(system, code, name="SystemID"):
    return element(
        "ApplicableSPSClassification",
        element(name, text=system),
        *([element("SystemName", text="x")] if name == "SystemID" else []),
        element("ClassCode", text=code),
    )


def national(root):
    """A document of the sandbox's national system."""
    canonical = (
        root if is_ched(document_type(root)) else translate(root, source="ephyto", target="traces", index=SHIPPED).root
    )
    return translate(canonical, source="traces", target="national-b", index=SHIPPED).root


def with_class(made, of=national):
    root = of(plain())
    for old in root.iter(qn(RAM21, "ApplicableSPSClassification")):
        old.getparent().replace(old, made)
        break
    return root


def test_a_class_code_is_a_code_of_the_list_that_its_system_names(extended):
    index = extended(("national-b", "cn", ["Z1,08055010,,both,none,,,,"]), lists=[("cn", ["08055010"])])
    done = there_and_back(with_class(classified("CN", "Z1")), index, "national-b")
    assert texts(done.root, "//ram:ClassCode/text()") == ["08055010"]
    (place,) = [each for each in done.report if each.list == "cn"]
    assert (place.source_code, place.row_id) == ("Z1", "national-b/cn/Z1")
    assert place.path.endswith("/ram:ApplicableSPSClassification[1]/ram:ClassCode")
    with pytest.raises(TranslationRefused, match="IMG-6001") as refused:
        translate(with_class(classified("CN", "Z2")), source="national-b", target="traces", index=index)
    assert refused.value.where.endswith("/ram:ClassCode")
    (gap,) = find_gaps(with_class(classified("CN", "Z2")), source="national-b", target="traces", index=index)
    assert gap.expected.startswith("map-national-b-cn.csv: Z2,?")


def test_a_class_code_without_a_table_is_carried(index):
    done = there_and_back(with_class(classified("CN", "08055010")), index, "national-b")
    assert texts(done.root, "//ram:ClassCode/text()") == ["08055010"]


def test_the_list_goes_by_the_canonical_system(extended):
    """The partner's own name of a system is translated first."""
    index = extended(
        ("national-b", "classification-system", ["EP,EPPT,,both,none,,,,", "CN,CN,,both,none,,,,"]),
        ("national-b", "eppo", ["zitroen,CIDLI,,both,none,,,,"]),
        lists=[("eppo", ["CIDLI"])],
    )
    done = there_and_back(with_class(classified("EP", "zitroen")), index, "national-b")
    assert texts(done.root, "//ram:ApplicableSPSClassification/*/text()") == ["EPPT", "x", "CIDLI"]


def test_a_table_goes_before_the_six_digits_that_hs_and_cn_share(extended):
    index = extended(("ephyto", "cn", ["080550,08055010,,both,none,,,,"]), lists=[("cn", ["08055010"])])
    done = there_and_back(with_class(classified("HS", "080550", "SystemName"), deepcopy), index, "ephyto")
    assert texts(done.root, "//ram:ClassCode/text()") == ["08055010"]
    assert not [place for place in done.losses if place.row_id == "structure/hs-digits"]


def test_a_class_that_a_row_leaves_out_goes_with_its_classification(extended):
    index = extended(("national-b", "cn", ["Z9,,,in,narrows,,,,no such goods"]), lists=[("cn", ["08055010"])])
    done = translate(with_class(classified("CN", "Z9")), source="national-b", target="traces", index=index)
    assert not texts(done.root, "//ram:ApplicableSPSClassification")
    assert [place.row_id for place in done.losses] == ["national-b/cn/Z9"]


# Treatments.


def treated(*properties, kind="ZZZ"):
    root = plain()
    process = texts(root, "//ram:AppliedSPSProcess")[0]
    for child in list(process):
        process.remove(child)
    process.append(element("TypeCode", text=kind))
    for descriptions in properties:
        each = element("ApplicableSPSProcessCharacteristic")
        each.extend(element("Description", text=text) for text in descriptions)
        process.append(each)
    return root


def test_the_kind_of_a_treatment_is_translated_where_there_is_a_table(extended):
    index = extended(("ephyto", "treatment-type", ["CHT,CHEM,,both,none,,,,"]), lists=[("treatment-type", ["CHEM"])])
    root = treated(("TTL1", "CHT"), ("TTFT", "CHT"), ("TTL2",))
    done = there_and_back(root, index, "ephyto")
    assert texts(done.root, "//ram:ApplicableSPSProcessCharacteristic/ram:Description/text()") == [
        "TTL1", "CHEM", "TTFT", "CHT", "TTL2",
    ]  # fmt: skip
    (place,) = [each for each in done.report if each.list == "treatment-type"]
    assert place.path.endswith("/ram:ApplicableSPSProcessCharacteristic[1]/ram:Description[2]")
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        translate(treated(("TTL1", "ZZT")), source="ephyto", target="traces", index=index)


def test_the_kind_of_a_treatment_is_carried_where_there_is_none(index):
    done = there_and_back(treated(("TTL1", "CHT"), ("TTCH", "238")), index, "ephyto")
    assert texts(done.root, "//ram:ApplicableSPSProcessCharacteristic/ram:Description/text()") == [
        "TTL1", "CHT", "TTCH", "238",
    ]  # fmt: skip


def test_a_step_of_the_journey_has_no_place_in_an_ephyto(index):
    done = translate(treated(kind="44"), source="ephyto", target="traces", index=index)
    assert texts(done.root, "//ram:AppliedSPSProcess/ram:TypeCode/text()") == ["44"]
    assert [place.row_id for place in done.losses if "Process" in place.path] == ["structure/process-foreign"]
    back = translate(done.root, source="traces", target="ephyto", index=index)
    assert not texts(back.root, "//ram:AppliedSPSProcess")


# Names of countries.


def named(*names, code="AR"):
    root = plain()
    country = texts(root, "//ram:ExportSPSCountry")[0]
    country[0].text = code
    for text, language in names:
        country.append(element("Name", text=text, **({"languageID": language} if language else {})))
    return root


def names_of(root):
    return [(name.text, name.get("languageID")) for name in texts(root, "//ram:ExportSPSCountry/ram:Name")]


@pytest.mark.parametrize(
    ("names", "in_traces"),
    [
        ((), [("Argentina", "en")]),
        ((("Argentina", ""),), [("Argentina", None)]),
        ((("Argentine", "fr"),), [("Argentine", "fr")]),
        ((("Argentina", "en"), ("Argentine", "fr")), [("Argentina", "en"), ("Argentine", "fr")]),
    ],
)
def test_a_country_without_a_name_gets_the_one_that_traces_shows(index, names, in_traces):
    done = there_and_back(named(*names), index, "ephyto")
    assert names_of(done.root) == in_traces


def test_the_very_name_of_traces_is_declared_because_the_way_back_takes_it(index):
    trip = round_trip(named(("Argentina", "en")), source="ephyto", target="traces", index=index)
    assert [loss.row_id for _, loss in trip.differences] == ["structure/country-name-own"]
    assert trip.exact


def test_an_address_has_a_country_with_a_name_as_well(index):
    root = plain()
    address = texts(root, "//ram:ConsigneeSPSParty/ram:SpecifiedSPSAddress")[0]
    address.append(element("CountryID", text="NL"))
    done = there_and_back(root, index, "ephyto")
    assert texts(done.root, "//ram:ConsigneeSPSParty//ram:CountryName/text()") == ["Netherlands"]


def test_the_name_goes_by_the_code_that_comes_back(extended):
    """A partner that calls Greece EL gets no name and gives none: the name belongs to the code of TRACES."""
    index = extended(("ephyto", "country", ["EL,GR,,both,none,,,,"]))
    done = there_and_back(named(code="EL"), index, "ephyto")
    assert names_of(done.root) == [("Greece", "en")]


# Places of a CHED.


def ched(kind="PP", type_code="636", subject="CHED_TYPE"):
    root = plain()
    document = root[0]
    texts(root, "sps:SPSExchangedDocument/ram:TypeCode")[0].text = type_code
    note = element(
        "IncludedSPSNote",
        element("ContentCode", text=kind),
        element("Content"),
        element("SubjectCode", text=subject),
    )
    texts(root, "//ram:SignatorySPSAuthentication")[0].addprevious(note)
    for clause in texts(root, "//ram:IncludedSPSClause"):
        clause.getparent().remove(clause)
    for line_note in texts(root, "//ram:AdditionalInformationSPSNote"):
        line_note.getparent().remove(line_note)
    for system in texts(root, "//ram:ApplicableSPSClassification"):
        system.getparent().remove(system)
    assert document.tag == qn(SPS17, "SPSExchangedDocument")
    return root


def at_post(root, scheme, identifier, *names):
    old = texts(root, "//ram:UnloadingBaseportSPSLocation")[0]
    place = element("UnloadingBaseportSPSLocation", element("ID", text=identifier, schemeID=scheme))
    place.extend(element("Name", text=text) for text in names)
    old.getparent().replace(old, place)
    return root


POSTS = ("national-b", "border-control-post", ["ROT,DEFRA4,,both,none,,,,"])


def test_the_code_of_a_post_is_translated_in_both_of_its_places(extended):
    index = extended(POSTS)
    root = at_post(national(ched()), "authority_activity_id", "ROT", "EL", "Piraeus", "ROT", "Port")
    done = there_and_back(root, index, "national-b")
    place = "//ram:UnloadingBaseportSPSLocation"
    assert texts(done.root, f"{place}/ram:ID/text()") == ["DEFRA4"]
    assert texts(done.root, f"{place}/ram:Name/text()") == ["GR", "Piraeus", "DEFRA4", "Port"]


def test_a_locode_is_no_code_of_a_post(extended):
    index = extended(POSTS)
    done = there_and_back(at_post(national(ched()), "un_locode", "GRPIR", "EL", "Piraeus", "ROT"), index, "national-b")
    assert texts(done.root, "//ram:UnloadingBaseportSPSLocation/*/text()") == ["GRPIR", "GR", "Piraeus", "DEFRA4"]
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        translate(
            at_post(national(ched()), "authority_activity_id", "UNKNOWN"),
            source="national-b",
            target="traces",
            index=index,
        )


def test_a_post_that_a_row_leaves_out_keeps_the_positions_of_the_names(extended):
    index = extended(("national-b", "border-control-post", ["OLD,,,in,narrows,,,,closed"]))
    root = at_post(national(ched()), "un_locode", "GRPIR", "EL", "Piraeus", "OLD", "Port")
    done = translate(root, source="national-b", target="traces", index=index)
    names = texts(done.root, "//ram:UnloadingBaseportSPSLocation/ram:Name")
    assert [name.text or "" for name in names] == ["GR", "Piraeus", "", "Port"]


def test_the_scheme_of_a_number_and_the_meaning_of_a_signature(extended):
    index = extended(
        ("national-b", "identifier-scheme", ["CONT,container_number,,both,none,,,,"]),
        ("national-b", "authentication-type", ["V,1,,both,none,,,,"]),
    )
    root = national(ched())
    texts(root, "//ram:UtilizedSPSTransportEquipment/ram:ID")[0].set("schemeID", "CONT")
    signature = texts(root, "//ram:SignatorySPSAuthentication")[0]
    for kind in signature.findall(qn(RAM21, "TypeCode")):
        signature.remove(kind)
    signature.insert(0, element("TypeCode", text="V"))
    done = there_and_back(root, index, "national-b")
    assert texts(done.root, "//ram:UtilizedSPSTransportEquipment/ram:ID/@schemeID") == ["container_number"]
    assert texts(done.root, "//ram:SignatorySPSAuthentication/ram:TypeCode/text()") == ["1"]


# Contexts.


def test_a_ched_has_its_kind_in_its_context(extended):
    index = extended(
        ("national-b", "ched-type", ["PLANT,PP,,both,none,,,,", "DIER,A,,both,none,,,,"]),
        ("national-b", "ched-note-subject", ["SOORT,CHED_TYPE,,both,none,,,,"]),
    )
    assert context_of(ched(), index, "traces") == "636/PP"
    assert context_of(ched("X"), index, "traces") == "636"
    assert context_of(ched(subject="OTHER"), index, "traces") == "636"
    assert context_of(ched("DIER", subject="SOORT"), index, "national-b") == "636/A"
    assert context_of(plain(), index, "ephyto") == "851"
    assert context_of(ched(type_code="no type at all"), index, "traces") == ""
    assert document_type(ched(type_code=" 636 ")) == "636"
    assert is_ched("636/PP")
    assert is_ched("636")
    assert not is_ched("6361")
    assert not is_ched("")


def test_a_type_of_its_own_is_understood(extended):
    index = extended(("national-b", "document-type", ["GGB,636,,both,none,,,,", "FYTO,851,,both,none,,,,"]))
    assert context_of(ched(type_code="GGB"), index, "national-b") == "636/PP"
    assert context_of(ched(type_code="FYTO"), index, "national-b") == "851"


def test_the_row_of_the_kind_of_ched_goes_before_the_general_one(extended):
    index = extended(("national-b", "document-relation", ["QQ,ZZZ,,in,widens,,,,", "QQ,ACW,636/PP,in,widens,,,,"]))
    for kind, relation in (("PP", "ACW"), ("A", "ZZZ")):
        root = national(ched(kind))
        reference = element("ReferenceSPSReferencedDocument", element("TypeCode", text="851"))
        reference.extend([element("RelationshipTypeCode", text="QQ"), element("ID", text="X-1")])
        texts(root, "//ram:SignatorySPSAuthentication")[0].addprevious(reference)
        done = translate(root, source="national-b", target="traces", index=index)
        assert texts(done.root, "//ram:RelationshipTypeCode/text()") == [relation]
        assert next(each for each in done.report if each.source_code == "QQ").target_code == relation


def test_the_bindings_name_the_systems_and_properties_that_the_lists_have():
    loaded = load_tables()
    assert bindings().classes.keys() - {"HS"} <= loaded.lists["classification-system"].codes.keys()
    assert bindings().treatments.keys() <= loaded.own_lists["ephyto", "treatment-description"].codes.keys()
