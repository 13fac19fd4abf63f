"""A count of animals: in the weight's place nationally, in the volume's place in TRACES; there and back."""

from datetime import date

import pytest
from lxml import etree

from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, SPS17, qn
from mappings import load_tables, translate
from mappings.models import Loss

pytestmark = pytest.mark.short

SYSTEM = "national-count"
HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
COLUMNS = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Tables of an operator whose system writes the codes of TRACES, but for the pieces."""
    folder = tmp_path_factory.mktemp("own")
    for name in load_tables().lists:
        if name != "unit":
            head = f"# list: {name}\n# system: {SYSTEM}\n# otherwise: identity\n"
            (folder / f"map-{SYSTEM}-{name}.csv").write_text(head + HEADER + COLUMNS, "utf-8")
    return load_tables(overlays=[folder]).compile(date(2026, 11, 22))


def ched(*measures):
    root = etree.Element(qn(SPS17, "SPSCertificate"), nsmap={"sps": SPS17, "ram": RAM21})
    document = etree.SubElement(root, qn(SPS17, "SPSExchangedDocument"))
    etree.SubElement(document, qn(RAM21, "TypeCode")).text = "636"
    note = etree.SubElement(document, qn(RAM21, "IncludedSPSNote"))
    etree.SubElement(note, qn(RAM21, "ContentCode")).text = "A"
    etree.SubElement(note, qn(RAM21, "SubjectCode")).text = "CHED_TYPE"
    item = etree.SubElement(
        etree.SubElement(root, qn(SPS17, "SPSConsignment")), qn(RAM21, "IncludedSPSConsignmentItem")
    )
    line = etree.SubElement(item, qn(RAM21, "IncludedSPSTradeLineItem"))
    etree.SubElement(line, qn(RAM21, "SequenceNumeric")).text = "1"
    for name, text, unit in measures:
        etree.SubElement(line, qn(RAM21, name), {"unitCode": unit} if unit else {}).text = text
    origin = etree.SubElement(line, qn(RAM21, "OriginSPSCountry"))
    etree.SubElement(origin, qn(RAM21, "ID")).text = "CH"
    return root


def measures(root):
    return [
        (etree.QName(each).localname, each.text, each.get("unitCode"))
        for each in root.iter()
        if str(each.tag).endswith("Measure")
    ]


def forth(root, index):
    return translate(root, source=SYSTEM, target="traces", index=index)


def back(root, index):
    return translate(root, source="traces", target=SYSTEM, index=index)


NATIONAL = [("NetWeightMeasure", "12", "PCS")]
TRACES = [("NetWeightMeasure", "0", None), ("NetVolumeMeasure", "12", "H87")]


def test_twelve_animals_are_a_volume_of_twelve_pieces_and_no_weight(index):
    there = forth(ched(*NATIONAL), index)
    assert measures(there.root) == TRACES
    assert not there.losses
    place = next(place for place in there.report if place.row_id == "structure/animal-count")
    assert place.path.endswith("/ram:IncludedSPSTradeLineItem[1]/ram:NetWeightMeasure")

    again = back(there.root, index)
    assert measures(again.root) == NATIONAL
    assert not again.losses


def test_what_traces_writes_comes_back_as_it_was(index):
    national = back(ched(*TRACES), index)
    assert measures(national.root) == NATIONAL
    assert not national.losses
    assert measures(forth(national.root, index).root) == TRACES


def test_a_zero_that_is_spelt_otherwise_is_a_declared_loss(index):
    national = back(ched(("NetWeightMeasure", "0.00", ""), TRACES[1]), index)
    assert measures(national.root) == NATIONAL
    assert [(place.row_id, place.loss) for place in national.losses] == [("structure/animal-count-form", Loss.WIDENS)]


@pytest.mark.parametrize(
    "stated",
    [
        [("NetWeightMeasure", "500", "KGM")],
        [("NetWeightMeasure", "500", "KGM"), ("NetVolumeMeasure", "12", "H87")],  # a weight of its own is not lost
        [("NetWeightMeasure", "0", "KGM"), ("NetVolumeMeasure", "12", "H87")],
        [("NetWeightMeasure", "0", ""), ("NetVolumeMeasure", "3", "LTR")],
        [("NetWeightMeasure", "", ""), ("NetVolumeMeasure", "12", "H87")],
        [("NetVolumeMeasure", "12", "H87")],
    ],
)
def test_other_lines_keep_their_form(index, stated):
    national = back(ched(*stated), index)
    assert [name for name, *_ in measures(national.root)] == [name for name, text, unit in stated if text or unit]
    assert not [place for place in national.report if "animal-count" in place.row_id]
    again = forth(national.root, index)
    assert measures(again.root) == measures(
        translate(ched(*stated), source="traces", target="traces", index=index).root
    )


def test_a_count_and_a_volume_have_one_place_in_traces(index):
    with pytest.raises(TranslationRefused, match="IMG-6006") as refused:
        forth(ched(*NATIONAL, ("NetVolumeMeasure", "3", "LTR")), index)
    assert refused.value.where.endswith("ram:NetWeightMeasure")


def test_only_the_system_that_names_it_has_this_form(index):
    root = ched(("NetWeightMeasure", "12", "STK"))
    translated = translate(root, source="national-b", target="traces", index=index).root
    assert measures(translated) == [("NetWeightMeasure", "12", "H87")]
