"""The authorities' own documents there and back: what is different is exactly what was declared."""

import os
from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import TranslationRefused
from gateway.sandbox.samples import Example, example
from gateway.xml.boundary import parse
from gateway.xml.names import PREFIXES, RAM21, qn
from mappings.round_trip import as_text, main, round_trip
from mappings.wrappers import unwrap

CHED_PP = "traces-nt/ched/GetChedResponse_CHEDPP.XI.2026.0000064.xml"
EPHYTO = "ippc-hub/ephyto-full-feature.xml"
CHEDS = (
    CHED_PP,
    "traces-nt/ched/GetChedResponse_CHEDA.template.xml",
    "traces-nt/ched/CreateAndSubmitChedForDecision-0101-Horse.xml",
    "traces-nt/ched/CreateAndSubmitChedForDecision-0101-Horse-Replacing-CHEDA.ES.2019.0000011.xml",
)


@pytest.fixture(scope="module")
def published():
    folder = os.environ.get("IMSOC_CONTRACTS", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("IMSOC_CONTRACTS names no folder: the authorities' own files are not here")
    return lambda name: unwrap(parse(Path(folder, name).read_bytes()).root).certificate


def status(root, code):
    found = root.xpath("sps:SPSExchangedDocument/ram:StatusCode", namespaces=PREFIXES)[0]
    found.text = code
    found.attrib.pop("name", None)
    found.set("name", "Issued (Validated)")
    return root


def summary(trip):
    """The last step of each place with what declares it."""
    return [
        (difference.path.split("/")[-1], loss.row_id if loss is not None else "NOT DECLARED")
        for difference, loss in trip.differences
    ]


def test_the_reference_ephyto(published, index):
    trip = round_trip(published(EPHYTO), source="ephyto", target="traces", index=index)
    assert trip.exact, as_text(trip)
    assert summary(trip) == [("ram:ClassCode", "structure/hs-digits")]
    difference, _ = trip.differences[0]
    assert (difference.before, difference.after) == ("06029048", "060290")
    assert [place.row_id for place in trip.dropped] == ["structure/unknown"]


def test_the_captured_ched_pp_is_no_ephyto_until_it_is_decided(published, index):
    with pytest.raises(TranslationRefused, match=r"IMG-6001.*'1' of the list status"):
        round_trip(published(CHED_PP), source="traces", target="ephyto", index=index)


def test_the_captured_ched_pp_as_an_ephyto(published, index):
    """Validated, as it would go out: what an ePhyto has no place for is declared, and nothing else differs."""
    trip = round_trip(status(published(CHED_PP), "70"), source="traces", target="ephyto", index=index)
    assert trip.exact, as_text(trip)
    rows = [row for _, row in summary(trip)]
    assert set(rows) == {
        "structure/note-foreign",
        "structure/attachment-link",
        "structure/clause-foreign",
        "structure/party-foreign",
        "structure/totals-content",
        "structure/hs-digits",
        "ephyto/classification-system/<EPPT",
        "ephyto/classification-system/<PRODUCT_TYPE",
    }
    assert len(rows) == 27


@pytest.mark.parametrize("name", CHEDS)
def test_published_cheds_through_a_national_system(published, index, name):
    trip = round_trip(published(name), source="traces", target="national-b", index=index)
    assert trip.exact, as_text(trip)
    assert {row for _, row in summary(trip)} <= {"national-b/ched-purpose/IM<FREE_CIRCULATION"}


def test_the_published_intra_certificate_as_an_ephyto(published, index):
    """Validated, with a kind of package that Recommendation 21 has."""
    root = status(published("traces-nt/intra/GetEuIntraCertificateResponse.xml"), "70")
    for package in root.xpath("//ram:PhysicalSPSPackage/ram:TypeCode[.='NA']", namespaces=PREFIXES):
        package.text = "BX"
    trip = round_trip(root, source="traces", target="ephyto", index=index)
    assert trip.exact, as_text(trip)
    transferring = [each for each, loss in trip.differences if loss and loss.row_id == "structure/process-foreign"]
    assert transferring
    assert all(each.whole and "44" in each.before and not each.after for each in transferring)


@pytest.mark.parametrize(
    ("which", "source", "target"),
    [
        (Example.EPHYTO, "ephyto", "traces"),
        (Example.EPHYTO, "ephyto", "national-b"),
        (Example.VETERINARY, "traces", "ephyto"),
    ],
)
def test_our_own_examples(index, which, source, target):
    trip = round_trip(parse(example(which)).root, source=source, target=target, index=index)
    assert trip.exact, as_text(trip)
    assert trip.losses


# The command.


def test_the_command_prints_each_difference_with_what_declares_it(tmp_path, capsys):
    file = tmp_path / "ephyto.xml"
    file.write_bytes(example())
    assert main([str(file), "--from", "ephyto", "--to", "traces", "--on", "2026-11-22"]) == 0
    printed = capsys.readouterr().out
    assert "08055010 -> 080550\n  declared: structure/hs-digits, widens" in printed
    assert printed.endswith("differences, exactly as declared\n")


def test_the_command_says_that_all_came_back(tmp_path, capsys):
    root = parse(example()).root
    for name in root.xpath("//*[ram:ID]/ram:Name[@languageID='en']", namespaces=PREFIXES):
        name.getparent().remove(name)
    for code in root.iter(qn(RAM21, "ClassCode")):
        code.text = code.text[:6]
    file = tmp_path / "ephyto.xml"
    file.write_bytes(etree.tostring(root))
    assert main([str(file), "--from", "ephyto", "--to", "traces", "--on", "2026-11-22"]) == 0
    assert capsys.readouterr().out == "ephyto -> traces -> ephyto: the same\n"


def test_the_command_refuses_what_has_no_translation(tmp_path, capsys):
    file = tmp_path / "ephyto.xml"
    file.write_bytes(example().replace(b">70<", b">99<"))
    assert main([str(file), "--from", "ephyto", "--to", "traces"]) == 2
    assert "IMG-6001" in capsys.readouterr().err
    assert main([str(tmp_path / "none.xml"), "--from", "ephyto", "--to", "traces"]) == 2
