"""CHEDs under attack by those who have an account: another operator, another authority, a third country."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ched"))  # importlib mode does not

from ched_harness import World, arrival, ched_pp, decision, element, party

from gateway.ched.attachments import Attachments
from gateway.ched.models import SubmissionKind
from gateway.documents.ched import AccompanyingDocument, ChedLink, Coded
from gateway.errors import AccessDenied, ChedRefused
from gateway.store import ChedQuery, ChedVisibility, open_store
from gateway.traces.models import Attachment, AttachmentReference

EVERYTHING = ChedQuery(visibility=ChedVisibility(everything=True))


@pytest.fixture
def quick(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield World(opened)


# --- files by number -------------------------------------------------------------------------------------------------


def citing(number, **changes):
    document = AccompanyingDocument(Coded("851"), "ZZZ", "PHYTO-1", "ZA", attachment=f"uri:documentid:{number}")
    return ched_pp(documents=(document,), **changes)


@pytest.fixture
def files(quick):
    return Attachments(quick.context)


def uploaded(quick, files, name="importer", file_name="invoice.pdf"):
    body = element(ched_pp())
    attachment = Attachment(file_name, b"%PDF-1.7 trade secret", "application/pdf")
    return files.submit(quick.actor(name), attachment, quick.call(body, "submitCertificateAttachment"))


STRANGER = party("NL-0815", "Stranger", "NL", role="CB")


def of_stranger(ched):
    return replace(ched, operator=STRANGER, declaration=replace(ched.declaration, party=STRANGER))


@pytest.mark.parametrize("way", ["draft", "submitted"])
def test_citing_a_file_of_somebody_else_does_not_open_it(quick, files, way):
    """Numbers of files are counted, and names such as invoice.pdf guessed."""
    file = uploaded(quick, files)
    stranger = quick.actor("stranger")
    with pytest.raises(AccessDenied, match="IMG-2110"):
        files.get(stranger, file)
    kind = SubmissionKind.DRAFT if way == "draft" else SubmissionKind.FOR_DECISION
    quick.submit(of_stranger(citing(file.document_id)), "stranger", kind)
    with pytest.raises(AccessDenied, match="IMG-2110"):
        files.get(stranger, file)


def test_amending_a_draft_to_cite_a_file_does_not_open_it_either(quick, files):
    file = uploaded(quick, files)
    reference = quick.draft(of_stranger(ched_pp()), "stranger").reference
    stored = quick.stored(reference)
    document = element(replace(stored, documents=citing(file.document_id).documents))
    quick.register.amend(quick.actor("stranger"), document, quick.call(document, "AmendChed"))
    with pytest.raises(AccessDenied, match="IMG-2110"):
        files.get(quick.actor("stranger"), file)


def test_who_reads_the_ched_of_the_uploader_reads_its_file(quick, files):
    file = uploaded(quick, files)
    reference = quick.submit(citing(file.document_id)).reference
    quick.decide(reference)
    assert files.get(quick.actor("post"), file).content == b"%PDF-1.7 trade secret"
    # a replacement by the post, which did not upload it but reads the CHED that cites it
    again = citing(file.document_id, previous=(ChedLink(reference, "ACW"),), arrival="2026-11-26T08:00:00+01:00")
    quick.submit(again, "post")
    assert files.get(quick.actor("central"), file).content


def test_a_file_that_is_not_there_and_one_of_another_name_are_the_same_answer(quick, files):
    file = uploaded(quick, files)
    for asked in (AttachmentReference("other.pdf", file.document_id), AttachmentReference("x", 99)):
        with pytest.raises(ChedRefused, match="IMG-7302"):
            files.get(quick.actor("stranger"), asked)


# --- parts of others -------------------------------------------------------------------------------------------------


def test_a_post_does_not_write_part_three_with_a_national_ched(quick):
    whole = ched_pp(decision=decision(), follow_up=arrival())
    with pytest.raises(ChedRefused, match="IMG-7213"):
        quick.submit(whole, "post", SubmissionKind.DECISION_IN_PROGRESS)


def test_nobody_writes_what_comes_after_a_new_ched(quick):
    """II.24 is the register's: another's CHED would stand there as if it followed this one."""
    other = quick.submit(ched_pp()).reference
    forged = ched_pp(subsequent=(ChedLink(other, "ACE"),), arrival="2026-11-25T08:00:00+01:00")
    with pytest.raises(ChedRefused, match="IMG-7213"):
        quick.submit(forged)


def test_who_is_named_does_not_own_a_ched_whose_operator_is_not_identified(quick):
    """I.8 without a number: the CHED is its author's, not everybody's who may read it."""
    nameless = replace(ched_pp().operator, identifier="", scheme="")
    named = ched_pp(operator=nameless, consignee=party("NL-0815", "Stranger", "NL", role="CN"))
    reference = quick.submit(named).reference
    with pytest.raises(ChedRefused, match="IMG-7210"):
        quick.cancel(reference, "stranger")
    with pytest.raises(ChedRefused, match="IMG-7210"):
        quick.amend(reference, "stranger", departure_from_post="2026-11-25T10:00:00.000+01:00")
    quick.cancel(reference, "importer")


def post_of(country):
    return replace(ched_pp().post, country=country)


def test_an_authority_elsewhere_does_not_enter_by_calling_the_post_its_own(quick):
    """I.4 with our country beside the code of a post of another."""
    with pytest.raises(ChedRefused, match="IMG-7210"):
        quick.submit(ched_pp(post=post_of("FR")), "central elsewhere")


def test_a_post_under_a_false_country_does_not_hide_from_its_own(quick):
    reference = quick.submit(ched_pp(post=post_of("FR"))).reference
    assert reference.startswith("CHEDPP.NL.")
    with pytest.raises(AccessDenied, match="IMG-2110"):
        quick.register.read(quick.actor("central elsewhere"), reference)
    assert quick.register.read(quick.actor("central"), reference)


def test_a_draft_that_was_deleted_stays_its_authors(quick):
    reference = quick.draft(ched_pp()).reference
    quick.cancel(reference)
    for name in ("post", "central", "local", "customs"):
        with pytest.raises(AccessDenied, match="IMG-2110"):
            quick.register.read(quick.actor(name), reference)
        assert quick.register.find(quick.actor(name), EVERYTHING) == ()
    assert quick.register.read(quick.actor("importer"), reference)


def test_a_third_country_finds_no_deleted_draft(quick):
    reference = quick.draft(ched_pp()).reference
    quick.cancel(reference)
    with pytest.raises(AccessDenied, match="IMG-2110"):
        quick.register.read(quick.actor(None, "xx-system"), reference)
