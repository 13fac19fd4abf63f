"""FindCertificates: what it finds, for whom, and that its pages neither overlap nor skip."""

from datetime import timedelta

import pytest
from lxml import etree

from gateway.sandbox.samples import certificate

CX = "urn:imsoc:gateway:certificate-exchange:1"
SPS_ID = b"<ram:ID>AR-EX-2026-0000001</ram:ID>"


def find(caller, criteria="", *, size=None, offset=None):
    attributes = f' pageSize="{size}"' if size else ""
    attributes += f' offset="{offset}"' if offset is not None else ""
    return caller.call(
        f'<cx:FindCertificatesRequest xmlns:cx="{CX}"{attributes}>{criteria}</cx:FindCertificatesRequest>'
    )


def numbers(answer):
    assert answer.status == 200, answer.raw
    return [found.text for found in answer.body.iterfind("{*}Result/{*}Document/{*}ID")]


@pytest.fixture
def archive(world, opened, caller_of):
    """A gateway with six documents of two senders, a second apart, and readers with different grants."""
    everything = {"document_types": ["*"], "country_pairs": ["*>*"]}
    gateway = opened(
        world.partner(rule_set="sps-general"),
        world.partner("uy", country_pairs=["UY>*"], rule_set="sps-general"),
        world.partner("nl", kind="national", document_types=["*"], country_pairs=["*>NL"]),
        world.partner("de-657", kind="national", document_types=["657"], country_pairs=["*>DE"]),
        world.partner("all", kind="traces", **everything),
        world.partner("none", kind="national", document_types=[], country_pairs=["*>*"]),
    )
    start = world.now
    for sender, number, arguments in (
        ("ar", "1", {}),
        ("ar", "2", {"import_": "DE"}),
        ("uy", "3", {"export": "UY"}),
        ("ar", "4", {"type_code": "657", "import_": "DE"}),
        ("uy", "5", {"export": "UY", "status": "39"}),
        ("ar", "6", {"status": "39", "import_": "FR"}),
    ):
        world.now += timedelta(seconds=1)
        assert caller_of(gateway, sender).submit(world.sealed(number=number, **arguments)).status == 200
    return lambda name="all": caller_of(gateway, name), start


@pytest.mark.parametrize(
    ("reader", "seen"),
    [
        ("all", "123456"),
        ("ar", "1246"),
        ("uy", "35"),
        ("nl", "135"),
        ("de-657", "4"),
        ("none", ""),
    ],
)
def test_a_partner_finds_its_own_documents_and_those_of_its_grant(archive, reader, seen):
    caller_of, _ = archive
    assert numbers(find(caller_of(reader))) == list(seen)
    for number in "123456":
        issuer = "UY" if number in "35" else "AR"
        type_code = "657" if number == "4" else "851"
        answer = caller_of(reader).about("GetCertificate", number, issuer=issuer, type_code=type_code)
        assert (answer.status == 200) == (number in seen)


@pytest.mark.parametrize(
    ("criteria", "seen"),
    [
        ("<cx:TypeCode>657</cx:TypeCode>", "4"),
        ("<cx:TypeCode>657</cx:TypeCode><cx:TypeCode>851</cx:TypeCode>", "123456"),
        ("<cx:TypeCode>853</cx:TypeCode>", ""),
        ("<cx:StatusCode>39</cx:StatusCode>", "56"),
        ("<cx:StatusCode>39</cx:StatusCode><cx:StatusCode>70</cx:StatusCode>", "123456"),
        ("<cx:IssuerCountry>UY</cx:IssuerCountry>", "35"),
        ("<cx:ImportCountry>DE</cx:ImportCountry>", "24"),
        ("<cx:IssuerCountry>AR</cx:IssuerCountry><cx:ImportCountry>NL</cx:ImportCountry>", "1"),
        ("<cx:TypeCode>851</cx:TypeCode><cx:StatusCode>70</cx:StatusCode><cx:ImportCountry>DE</cx:ImportCountry>", "2"),
        ("<cx:IssuerCountry>ZZ</cx:IssuerCountry>", ""),
    ],
)
def test_criteria_narrow_the_search(archive, criteria, seen):
    caller_of, _ = archive
    assert numbers(find(caller_of(), criteria)) == list(seen)


@pytest.mark.parametrize(
    ("seconds", "written", "seen"),
    [
        (0, "{:%Y-%m-%dT%H:%M:%SZ}", "123456"),
        (3, "{:%Y-%m-%dT%H:%M:%SZ}", "3456"),
        (3, "{:%Y-%m-%dT%H:%M:%S}", "3456"),
        (3, "{:%Y-%m-%dT%H:%M:%S}.001Z", "456"),
        (3, "{:%Y-%m-%dT%H:%M:%S}+00:00", "3456"),
        (3, "{:%Y-%m-%dT%H:%M:%S}-01:00", ""),
        (60, "{:%Y-%m-%dT%H:%M:%SZ}", ""),
    ],
)
def test_changed_since_is_a_moment_of_any_zone_and_includes_it(archive, seconds, written, seen):
    caller_of, start = archive
    moment = written.format(start + timedelta(seconds=seconds))
    assert numbers(find(caller_of(), f"<cx:ChangedSince>{moment}</cx:ChangedSince>")) == list(seen)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T24:00:00Z",
                                    "-0044-03-15T12:00:00Z", "12026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
                                    "2026-01-01T00:00:00.1234567890123Z", "2026-01-01T00:00:00-14:00"])  # fmt: skip
def test_every_moment_that_the_schema_knows_gets_an_answer_or_a_reason(archive, moment):
    caller_of, _ = archive
    answer = find(caller_of(), f"<cx:ChangedSince>{moment}</cx:ChangedSince>")
    assert answer.status == 200 or (answer.code, answer.fault("Where")) == ("IMG-3001", "cx:ChangedSince")


def test_a_change_moves_a_document_to_the_end_with_its_new_status(world, archive):
    caller_of, start = archive
    world.now = start + timedelta(minutes=1)
    assert caller_of("ar").submit(world.sealed(number="1", status="40")).status == 200
    answer = find(caller_of())
    assert numbers(answer) == list("234561")
    last = answer.body.findall("{*}Result")[-1]
    assert last.findtext("{*}StatusCode") == "40"
    assert last.findtext("{*}ChangedAt") == f"{world.now:%Y-%m-%dT%H:%M:%S}.000Z"
    assert last.findtext("{*}ImportCountry") == "NL"


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_neither_overlap_nor_skip_while_documents_are_added(world, archive, size):
    caller_of, _ = archive
    seen, offset, added = [], 0, 0
    while True:
        answer = find(caller_of(), size=size, offset=offset)
        page = numbers(answer)
        assert len(page) <= size
        assert (answer.body.get("pageSize"), answer.body.get("offset")) == (str(size), str(offset))
        seen += page
        offset += len(page)
        if answer.body.get("more") == "false":
            break
        if added < 5:
            added += 1
            world.now += timedelta(milliseconds=1)
            document = certificate(lines=1).replace(SPS_ID, f"<ram:ID>later-{added}</ram:ID>".encode())
            assert caller_of("ar").submit(world.sealer.seal(document, at=world.now)).status == 200
    expected = [*"123456", *(f"later-{number}" for number in range(1, added + 1))]
    assert seen == expected


def test_the_page_is_fifty_unless_asked_otherwise_and_an_empty_page_is_an_answer(archive):
    caller_of, _ = archive
    answer = find(caller_of())
    assert (answer.body.get("pageSize"), answer.body.get("offset"), answer.body.get("more")) == ("50", "0", "false")
    beyond = find(caller_of(), offset=1000)
    assert (numbers(beyond), beyond.body.get("more")) == ([], "false")
    assert etree.QName(find(caller_of(), offset=2_147_483_647).body).localname == "FindCertificatesResponse"
