"""The printable CHED as a reader of the paper has it."""

from __future__ import annotations

import itertools
import time
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime

import pytest
import zxingcpp
from ched_values import cheds, full
from hypothesis import HealthCheck, given, settings

from gateway.documents.ched import BOXES, ChedType, Coded, ControlPost, LaboratoryTests, boxes
from gateway.pdf import render_ched
from gateway.pdf.wording import FORM, Wording, moment

URL = "https://traces.example/certificate/ched/CHEDP.NL.2026.0000001"

SHOWN = {
    "reference", "local_reference", "number", "identifier", "name", "person", "approval", "lines", "postcode", "city",
    "country", "country_name", "subdivision", "code", "address", "inspection_place", "information", "file_name",
    "identification", "region", "label", "descriptions", "scientific_name", "text", "batch", "email", "fees",
}  # fmt: skip
"""Fields whose words stand on paper as they are; codes are printed by their labels, moments in another form."""


def printing(ched, now, **changes):
    given = {"language": "en", "url": URL, "contingency": "", "now": now}
    return render_ched(ched, **(given | changes))


def words_in(value):
    """Every word that a value has for a reader; of a post with a code the identifier is the code again."""
    match value:
        case Coded():
            yield from [value.label] if value.label else []
        case ControlPost():
            yield from words_in((value.name, value.address, value.city, value.country, value.code))
        case LaboratoryTests():
            yield from words_in((value.motivation, value.result, tuple(number for _, number in value.counts)))
        case str():
            yield moment(value)
        case tuple():
            for each in value:
                yield from words_in(each)
        case _ if is_dataclass(value):
            for each in fields(value):
                content = getattr(value, each.name)
                if each.name in SHOWN or not isinstance(content, str):
                    yield from words_in(content)


def renamed(value, names, *, inside=""):
    """The same value with a word of its own in each place that holds words."""
    match value:
        case Coded():
            return replace(value, label=next(names), language="en") if value else value
        case tuple():
            return tuple(renamed(each, names, inside=inside) for each in value)
        case str():
            return next(names) if value and inside in SHOWN else value
        case _ if is_dataclass(value):
            kept = {"type", "source", "status_code", "url", "contingency", "level", "system", "signed_document_type"}
            changed = {
                each.name: renamed(getattr(value, each.name), names, inside=each.name)
                for each in fields(value)
                if each.name not in kept
            }
            return replace(value, **changed)
    return value


@pytest.mark.parametrize("kind", ChedType)
def test_every_word_of_every_box_is_on_the_paper(kind, printed, now):
    names = (f"w{number:04}q" for number in itertools.count())
    ched = full(kind)
    ched = renamed(replace(ched, totals=None), names)
    text = printed(printing(ched, now)).text
    said = {box: list(words_in(value)) for box, value in boxes(ched).items()}
    lost = {box: [each for each in words if each not in text] for box, words in said.items()}
    assert sum(map(len, said.values())) > 150
    assert {box: words for box, words in lost.items() if words} == {}


@pytest.mark.parametrize("kind", ChedType)
def test_the_boxes_of_the_type_stand_in_their_order(kind, printed, now):
    text = printed(printing(full(kind), now)).text
    shown = [box for box, form in FORM.items() if form.applies(kind)]
    places = {box: text.find(f"{box} {FORM[box].names[0].split('/')[0]}") for box in shown}
    assert [box for box, place in places.items() if place < 0] == []
    left_out = [box for box in BOXES if box not in shown]
    assert [box for box in left_out if f"{box} {FORM[box].names[0]}" in text] == []
    for part in ("I.", "II.", "III."):
        first, last = (text.index(f"{part}{end}") for end in ("1 ", "6 "))
        assert first < last


def test_the_totals_are_on_the_paper(printed, now):
    text = printed(printing(full(ChedType.PP), now)).text
    for shown in ("packages 10 Box", "I.33 Total quantity 3 pieces / 2 m³", "gross weight (kg) 100.5 kg / 120 kg"):
        assert shown in text


def test_what_is_no_box_of_the_regulation_is_printed_behind_the_boxes(printed, now):
    ched = full(ChedType.A)
    ched = replace(
        ched,
        purposes=(replace(ched.purposes[0], code=Coded("PRIVATE_IMPORT"), box=""),),
        decision=replace(ched.decision, conclusion=(Coded("HORSE_RE_ENTRY"),)),
    )
    text = printed(printing(ched, now)).text
    assert "Other purpose Private import" in text
    assert "Other decision Re-entry of a registered horse" in text


def test_moments_keep_their_offset(printed, now):
    text = printed(printing(full(ChedType.P), now)).text
    assert "I.10 Prior notification 2026-10-04 07:00 (UTC+02:00)" in text
    assert "Date of signature: 2026-10-05 10:00 (UTC+02:00)" in text


def test_a_refusal_says_what_was_decided_and_why(printed, now):
    text = printed(printing(full(ChedType.P), now)).text
    assert "Status: Rejected" in text
    assert "II.16 Not acceptable [X] Not acceptable Destruction Measures to be taken by: 2026-10-30" in text
    assert "II.17 Reason for refusal Failed identity check Prohibited product" in text


def is_struck(document, title):
    """Whether a dark line runs through all of a title, gaps between its letters included."""
    for number, page in enumerate(document.file):
        textpage = page.get_textpage()
        found = textpage.search(title).get_next()
        if found is None:
            continue
        start, count = found
        left = textpage.get_charbox(start)[0]
        right = max(textpage.get_charbox(start + each)[2] for each in range(count))
        bottom, top = textpage.get_charbox(start, loose=True)[1::2]
        scale = 4
        picture = document.picture(number, scale).convert("L")
        height = page.get_height()
        rows = range(int((height - top) * scale), int((height - bottom) * scale))
        columns = range(int(left * scale) + 1, int(right * scale) - 1)
        return any(all(picture.getpixel((x, y)) < 160 for x in columns) for y in rows)
    pytest.fail(f"{title} is not on the paper")


def test_boxes_that_are_not_used_are_struck_through(printed, now):
    ched = replace(full(ChedType.P), local_reference="")
    document = printed(printing(ched, now))
    chosen = {"I.24", "II.16"}
    for box in (*(f"I.{number}" for number in (3, 20, 22, 23, 24, 25)), "II.9", "II.11", "II.12", "II.14", "II.16"):
        assert is_struck(document, f"{box} {FORM[box].names[0]}") == (box not in chosen), box


def test_compulsory_boxes_stay_open_so_that_their_lack_is_seen(printed, now):
    document = printed(printing(replace(full(ChedType.P), consignee=None, lines=(), documents=()), now))
    for title in ("I.6 Consignee/Importer", "I.9 Accompanying", "I.31 Description"):
        assert not is_struck(document, title)


def test_before_the_decision_what_may_still_come_is_open(printed, now):
    ched = replace(full(ChedType.A), transports_after=(), departure_from_post="", decision=None, follow_up=None)
    ched = replace(ched, previous=(), subsequent=(), customs_documents=(), status_code="1")
    document = printed(printing(ched, now))
    assert not is_struck(document, "I.27 Means of transport after")
    assert not is_struck(document, "I.29 Date of departure")
    assert "Part II \N{EN DASH} Controls No decision has been taken." in document.text
    assert "Part III \N{EN DASH} Follow-up No follow-up has been recorded." in document.text
    decided = replace(ched, decision=full(ChedType.A).decision)
    assert is_struck(printed(printing(decided, now)), "I.29 Date of departure")


def test_the_label_leads_to_the_electronic_version(printed, now):
    document = printed(printing(full(ChedType.P), now))
    codes = zxingcpp.read_barcodes(document.picture(scale=3))
    assert [code.text for code in codes] == [URL]
    assert URL in document.text


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "https://x.example/" + "a" * 400, "https://x.example/é", "x"]
)
def test_what_is_no_web_address_gets_no_label(url, printed, now):
    document = printed(printing(full(ChedType.P), now, url=url))
    assert zxingcpp.read_barcodes(document.picture(scale=3)) == []
    assert b"/URI" not in document.data
    assert "leads to the electronic version" not in document.text


def test_a_contingency_document_bears_its_mark_on_every_page(printed, now):
    ched = replace(full(ChedType.PP), reference="", decision=None, follow_up=None, local_reference="NL-TMP-9")
    document = printed(printing(ched, now, language="fr", contingency="Document de secours"))
    assert len(document.pages) > 1
    for page in document.pages:
        assert "Document de secours" in page
        assert "NL-TMP-9" in page
    assert "pas encore de référence" in document.text
    assert not is_struck(document, "II.9 Acceptable")


def test_an_ordinary_document_bears_no_mark(printed, now):
    assert "secours" not in printed(printing(full(ChedType.PP), now, language="fr")).text


def test_french_has_its_form_and_every_other_language_reads_english(printed, now):
    ched = full(ChedType.D)
    french = printed(printing(ched, now, language="fr"))
    assert "I.8 Opérateur responsable de l\N{RIGHT SINGLE QUOTATION MARK}envoi" in french.text
    assert "Pas acceptable" in french.text
    assert "Page 1 sur" in french.text
    dutch = printed(printing(ched, now, language="nl"))
    assert dutch.text == printed(printing(ched, now)).text
    assert (b"/Lang (fr)" in french.data, b"/Lang (en)" in dutch.data) == (True, True)


def test_every_label_is_there_in_both_languages():
    english, french = Wording("en"), Wording("fr")
    for table in english._tables.values():
        assert all(len(both) == 2 and all(both) for both in table.values())
    assert all(french.name(box) for box in BOXES)
    assert list(FORM) == list(BOXES)


def test_a_label_in_the_readers_language_comes_before_ours():
    assert Wording("nl").code(Coded("SLAUGHTER", "Slacht", "nl")) == "Slacht"
    assert Wording("fr").code(Coded("SLAUGHTER", "Slacht", "nl")) == "Abattage"
    assert Wording("fr").code(Coded("HOUSE_RULE", "House rule", "en")) == "House rule"
    assert Wording("fr").code(Coded("HOUSE_RULE")) == "HOUSE_RULE"


def test_a_hundred_lines_go_over_pages_with_their_heading(printed, now):
    ched = full(ChedType.PP)
    lines = tuple(replace(ched.lines[0], number=number, batch=f"LOT-{number:03}X") for number in range(1, 101))
    document = printed(printing(replace(ched, lines=lines), now))
    pages = document.pages
    assert all(f"LOT-{number:03}X" in document.text for number in range(1, 101))
    middle = [page for page in pages if "LOT-" in page]
    assert len(middle) > 3
    assert all("Net / gross weight" in page for page in middle)
    assert sum("I.31 Description of the consignment (continued)" in page for page in pages) == len(middle) - 1
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert ched.reference in page


@pytest.mark.parametrize("kind", ChedType)
def test_no_letter_is_outside_the_frame_of_the_page(kind, printed, now):
    ched = full(kind)
    wide = replace(ched.consignor, name="W" * 200, identifier="i" * 400, person="ΔΓ Жук Łódź " * 40)
    document = printed(printing(replace(ched, consignor=wide, lines=ched.lines * 20), now))
    for page in document.file:
        textpage = page.get_textpage()
        for index in range(textpage.count_chars()):
            left, bottom, right, top = textpage.get_charbox(index)
            assert 33 <= left <= right <= 563
            assert 18 <= bottom <= top <= 815


@pytest.mark.parametrize(
    "name",
    ["Łąka Żółć Śniadecki", "Ελληνικά Τρόφιμα", "Київська пошта ЇЄҐ", "Čeština Ð Þ ő ű ș ț", "Nguyễn Thị Hằng"],
)
def test_names_of_europe_print_in_embedded_fonts(name, printed, now):
    ched = full(ChedType.P)
    document = printed(printing(replace(ched, consignor=replace(ched.consignor, name=name)), now))
    assert name in document.text
    assert "[U+" not in document.text
    assert document.data.count(b"/FontFile2") >= 2


@pytest.mark.parametrize("name", ["上海食品有限公司", "株式会社さくら", "주식회사 서울", "שלום בע״מ", "საქართველო"])
def test_names_of_elsewhere_print(name, printed, now):
    ched = full(ChedType.P)
    text = printed(printing(replace(ched, consignor=replace(ched.consignor, name=name)), now)).text
    assert "[U+" not in text
    assert all(letter in text for letter in name)


def test_a_letter_that_no_font_has_is_named(printed, now):
    ched = full(ChedType.P)
    text = printed(printing(replace(ched, consignor=replace(ched.consignor, name="A\U00013000B")), now)).text
    assert "A[U+13000]B" in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>Bold &amp; Sons</b>", "<b>Bold &amp; Sons</b>"),
        ("(a) \\(b) %PDF endobj", "(a) \\(b) %PDF endobj"),
        ("a\x00b\x1bc\u202egnp.exe\u2066", "abcgnp.exe"),
        ("one\r\ntwo\u2028three", "one two three"),
        ("***", "I.1 Consignor/Exporter ***"),
        ("a\ud800b", "ab"),
        ("e\u0301", "é"),
    ],
)
def test_nothing_in_a_name_commands_the_paper(name, shown, printed, now):
    ched = full(ChedType.P)
    document = printed(printing(replace(ched, consignor=replace(ched.consignor, name=name)), now))
    assert shown in document.text


def test_a_very_long_text_is_printed_to_its_end(printed, now):
    ched = full(ChedType.P)
    word, words = "x" * 50_000, "word " * 10_000
    long = replace(ched.consignor, name=f"{word}END1", person=f"{words}END2")
    started = time.process_time()
    document = printed(printing(replace(ched, consignor=long), now))
    assert time.process_time() - started < 5
    text = document.text.replace(" ", "")
    assert "END1" in text
    assert "END2" in text
    assert text.count("x") >= 50_000


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cheds())
def test_any_ched_prints(ched):
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert render_ched(ched, language="fr", url=ched.url, contingency=ched.contingency, now=now).startswith(b"%PDF")


def test_the_same_ched_at_the_same_time_is_the_same_file(now):
    ched = full(ChedType.A)
    assert printing(ched, now) == printing(ched, now)
    assert printing(ched, now) != printing(ched, now.replace(minute=1))


def test_the_file_says_what_it_is(printed, now):
    document = printed(printing(full(ChedType.P), now))
    assert document.file.get_metadata_value("Title") == "Common Health Entry Document (CHED-P) CHEDP.NL.2026.0000001"
    assert document.file.get_metadata_value("CreationDate").startswith("D:20261122110000")
    assert [each.get_title() for each in document.file.get_toc()] == [
        "Part I \N{EN DASH} Description of the consignment",
        "Part II \N{EN DASH} Controls",
        "Part III \N{EN DASH} Follow-up",
    ]


def test_a_ched_is_printed_in_a_fifth_of_a_second(now):
    ched = full(ChedType.P)
    printing(ched, now)

    def once():
        started = time.process_time()
        printing(ched, now)
        return time.process_time() - started

    assert min(once() for _ in range(5)) < 0.2


@pytest.mark.parametrize("name", ["GetChedResponse_CHEDA.template.xml", "GetChedResponse_CHEDPP.XI.2026.0000064.xml"])
def test_captured_cheds_print_whole(name, captured_ched, printed, now):
    ched = captured_ched(name)
    document = printed(printing(ched, now, url=ched.url))
    assert len(document.pages) == 2
    assert [code.text for code in zxingcpp.read_barcodes(document.picture(scale=3))] == [ched.url]
    parties = (ched.consignor, ched.consignee, ched.destination, ched.operator)
    for party in filter(None, parties):
        assert " ".join(party.name.split()) in document.text
    for line in ched.lines:
        assert line.commodity in document.text
        assert all(note.text in document.text for note in line.notes)
    assert ched.reference in document.text
