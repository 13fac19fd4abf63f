"""Names of uploaded files: a client that saves by them must stay in its folder."""

import pytest
from ched_harness import ched_pp, element

from gateway.ched.attachments import Attachments
from gateway.errors import ChedRefused
from gateway.traces.models import Attachment

UNFIT = ("", ".", "..", "../r.pdf", "a/b.pdf", "a\\b.pdf", "c:r.pdf", "r\n.pdf", "r\x00.pdf", "a|b", "\u202efdp.exe")
FIT = ("certificate.pdf", "Zeugnis für Äpfel (2).pdf", "тест.pdf", ".hidden")


def submit(world, name, content=b"%PDF-"):
    files = Attachments(world.context)
    return files.submit(world.actor("importer"), Attachment(name, content), world.call(element(ched_pp())))


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../r.pdf", "a/b.pdf", "a\\b.pdf", "c:r.pdf", "r\n.pdf", "r\x00.pdf", "a|b", "\u202efdp.exe"],
)
def test_a_name_that_is_no_files_is_refused(quick, name):
    with pytest.raises(ChedRefused, match="IMG-7301"):
        submit(quick, name)


@pytest.mark.parametrize(
    "name", ["certificate.pdf", "Pflanzengesundheitszeugnis für Äpfel (2).pdf", "тест.pdf", ".hidden"]
)
def test_ordinary_names_are_kept(quick, name):
    assert submit(quick, name).file_name == name


def test_a_file_without_content_is_refused(quick):
    with pytest.raises(ChedRefused, match="IMG-7301"):
        submit(quick, "empty.pdf", b"")
