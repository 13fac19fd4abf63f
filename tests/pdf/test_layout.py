"""Nothing is cut and nothing is lost, whatever is put on the pages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ched_values import full
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.documents.ched import ChedType
from gateway.errors import ChedRefused
from gateway.pdf import render_ched
from gateway.pdf.fonts import clean, runs_of, width_of
from gateway.pdf.layout import MAX_PAGES, Flow
from gateway.pdf.marks import BOTTOM, LEFT, WIDTH, Cell, Frame, Paragraph, Row, TextLine, Use
from gateway.pdf.wrapping import MAX_CHARACTERS, wrapped

TOP = 790.0

texts = st.text(st.sampled_from("abcW -/.é中"), max_size=60) | st.integers(1, 400).map(lambda many: "word " * many)
cells = st.builds(
    Cell,
    st.sampled_from(["", "I.1 Title", "I.31 " + "long title " * 20]),
    st.lists(st.builds(Paragraph, texts, st.booleans()), max_size=6).map(tuple),
    st.sampled_from(Use),
)


def letters(found):
    return sorted("".join(found).replace(" ", ""))


def pages_of(boxes, rows):
    flow = Flow(first_top=600, top=TOP, continued="!")
    flow.band("Part")
    flow.boxes(boxes)
    heads = Row((Cell(paragraphs=(Paragraph("H"),)),) * 2, heading=True)
    flow.add(heads, *(Row(pair, (0.2, 0.8)) for pair in rows))
    return flow.pages


@settings(deadline=None, max_examples=60)
@given(st.lists(cells, max_size=8), st.lists(st.tuples(cells, cells), max_size=5))
def test_every_line_is_inside_a_frame_and_every_frame_inside_the_page(boxes, rows):
    pages = pages_of(boxes, rows)
    for page in pages:
        frames = [mark for mark in page.marks if isinstance(mark, Frame)]
        for frame in frames:
            assert frame.y >= BOTTOM - 0.01
            assert frame.y + frame.height <= TOP + 0.01
            assert frame.x >= LEFT - 0.01
            assert frame.x + frame.width <= LEFT + WIDTH + 0.01
        for line in (mark for mark in page.marks if isinstance(mark, TextLine)):
            wide = sum(run.width for run in line.runs) * line.size
            assert any(
                frame.x <= line.x
                and line.x + wide <= frame.x + frame.width + 0.01
                and frame.y <= line.y
                and line.y + line.size <= frame.y + frame.height + 0.01
                for frame in frames
            )


@settings(deadline=None, max_examples=60)
@given(st.lists(cells, max_size=8))
def test_no_frame_covers_another(boxes):
    for page in pages_of(boxes, []):
        frames = [mark for mark in page.marks if isinstance(mark, Frame)]
        for index, one in enumerate(frames):
            for other in frames[:index]:
                apart = (
                    one.x + one.width <= other.x + 0.01
                    or other.x + other.width <= one.x + 0.01
                    or one.y + one.height <= other.y + 0.01
                    or other.y + other.height <= one.y + 0.01
                )
                assert apart


@settings(deadline=None, max_examples=60)
@given(st.lists(cells, max_size=8))
def test_every_letter_is_printed(boxes):
    boxes = [replace(each, title="") for each in boxes]
    marks = [mark for page in pages_of(boxes, []) for mark in page.marks if isinstance(mark, TextLine)]
    shown = "".join(run.text for mark in marks for run in mark.runs if mark.size == 8)
    wanted = [paragraph.text for cell in boxes for paragraph in cell.paragraphs]
    assert letters(shown) == letters(["H", "H", *wanted])


@settings(deadline=None)
@given(st.text(max_size=200), st.floats(8, 60))
def test_wrapped_lines_fit_and_keep_every_letter(text, width):
    lines = wrapped(text, width)
    assert letters(lines) == letters(clean(text).split())
    for line in lines:
        assert width_of(line, 1) <= width + 0.001 or len(line) == 1
        assert sum(run.width for run in runs_of(line)) == pytest.approx(width_of(line, 1))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ched: {"consignor": replace(ched.consignor, name="x" * (MAX_CHARACTERS + 1))}, id="a name"),
        pytest.param(lambda ched: {"lines": ched.lines * 5_000}, id="many lines"),
        pytest.param(
            lambda ched: {"establishments": (replace(ched.consignor, name="x" * 1000),) * 500}, id="many parties"
        ),
    ],
)
def test_a_document_beyond_all_measure_is_refused(change, now):
    ched = full(ChedType.P)
    with pytest.raises(ChedRefused, match="IMG-7221") as refused:
        render_ched(replace(ched, **change(ched)), language="en", url="", contingency="", now=now)
    assert str(MAX_CHARACTERS) in refused.value.expected


def test_more_pages_than_anybody_prints_are_refused():
    flow = Flow(first_top=600, top=TOP, continued="!")
    with pytest.raises(ChedRefused, match="IMG-7221") as refused:
        flow.boxes([Cell(use=Use.BLANK)] * 200 * MAX_PAGES)
    assert str(MAX_PAGES) in refused.value.expected


def test_right_to_left_words_are_drawn_from_their_end_and_numbers_are_not():
    drawn = "".join(run.text for run in runs_of("Ltd \N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET} 12"))
    assert drawn == "Ltd 12 \N{HEBREW LETTER BET}\N{HEBREW LETTER ALEF}"
