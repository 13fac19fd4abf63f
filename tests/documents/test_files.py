"""Files kept apart while a tree is worked on: what is written is, byte by byte, what the whole tree would give."""

from __future__ import annotations

import base64
import hashlib
import random
from copy import deepcopy

import pytest

from gateway.documents import FilesApart
from gateway.sandbox.samples import certificate, with_reference
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise

LARGE = base64.b64encode(random.Random(1).randbytes(60_000)).decode()


def tree(*texts):
    raw = certificate(number="F-1")
    for number in range(len(texts)):
        raw = with_reference(raw, f"R{number}", attachment=(f"{number}.pdf", b"."))
    root = parse(raw).root
    for element, text in zip(root.iter("{*}AttachmentBinaryObject"), texts, strict=True):
        element.text = text
    return root


def written(root):
    return serialise(root), canonicalise(root, algorithm=C14n.EXCLUSIVE)


@pytest.mark.parametrize(
    ("texts", "apart"),
    [
        (["small"], 0),
        ([LARGE], 1),
        ([LARGE, "small", LARGE[::-1], LARGE], 3),
        ([" \n" + LARGE + "\t\n"], 1),
        ([LARGE + "&<>"], 0),
        ([LARGE + "\r"], 0),
        ([LARGE + "ä"], 0),
        ([" \n" * 50_000], 0),
    ],
)
def test_what_is_written_is_that_of_the_whole_tree(texts, apart):
    root = tree(*texts)
    serialised, canonical = written(root)
    files = FilesApart(root)
    without = written(root)
    assert (len(serialised) - len(without[0])) // 75_000 == apart
    assert tuple(map(files.put_back, without)) == (serialised, canonical)
    assert files.digest(without[1]) == hashlib.sha256(canonical).digest()


def test_a_file_with_comments_in_it_stays():
    root = tree(LARGE)
    (file,) = root.iter("{*}AttachmentBinaryObject")
    file.append(parse(b"<a><!-- c --></a>").root[0])
    before = written(root)
    FilesApart(root)
    assert written(root) == before


def test_a_file_that_is_taken_out_or_copied_is_so_in_what_is_written():
    root = tree(LARGE, LARGE[::-1])
    expected = deepcopy(root)
    files = FilesApart(root)
    for each in (root, expected):
        first, second = each.iter("{*}AttachmentBinaryObject")
        second.getparent().append(deepcopy(second))
        first.getparent().remove(first)
    assert files.put_back(serialise(root)) == serialise(expected)
