import pytest
from hub_members import directory, header, partner

from gateway.errors import HubRefused, Retry, catalogue
from gateway.hub.checks import MAX_NUMBER, check_header, described
from gateway.hub.profile import Members


def check(sender_id="ar-nppo", *, record=None, receivers=None, own=(), response=False, **told):
    """Check a header of this sender, whose record is changed by ``record``, against these receivers."""
    receiver = Members(directory(**(receivers or {})), frozenset(own)).receiver_of(header(**told).to)[1]
    check_header(header(**told), partner(sender_id, **(record or {})), receiver, response=response)


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"sender": "UY", "record": {"country_pairs": ["UY>BE"]}},
        {"to": "NL", "own": ["NL"]},
        {"to": "AR"},
        {"certificate_type": 657, "certificate_status": 40},
        {"certificate_number": "x" * MAX_NUMBER},
    ],
)
def test_an_authority_sends_for_its_countries_to_active_ones(case):
    check(**case)


ONLY_851_70 = {"countries": ["BE"], "documents": [{"type": 851, "status": 70}]}


@pytest.mark.parametrize(
    ("code", "case"),
    [
        ("IMG-7111", {"sender": "BE"}),
        ("IMG-7111", {"sender": "ar"}),
        ("IMG-7111", {"sender_id": "stranger", "sender": "CL"}),
        ("IMG-7112", {"record": {"hub": {"countries": ["AR"], "send": False}}}),
        ("IMG-7113", {"to": "NL"}),
        ("IMG-7113", {"to": ""}),
        ("IMG-7113", {"receivers": {"be_nppo": {"enabled": False}}}),
        ("IMG-7114", {"receivers": {"be_nppo": {"hub": {"countries": ["BE"], "receive": False}}}}),
        ("IMG-7115", {"record": {"country_pairs": ["AR>NL"]}}),
        ("IMG-7115", {"record": {"country_pairs": []}}),
        ("IMG-7115", {"sender": "UY"}),
        ("IMG-7116", {"certificate_type": 852}),
        ("IMG-7116", {"certificate_status": 39}),
        ("IMG-7116", {"certificate_status": 40, "receivers": {"be_nppo": {"hub": ONLY_851_70}}}),
        ("IMG-7116", {"certificate_status": 40, "record": {"hub": {**ONLY_851_70, "countries": ["AR"]}}}),
        ("IMG-7117", {"certificate_number": ""}),
        ("IMG-7117", {"certificate_number": "  "}),
        ("IMG-7117", {"certificate_number": "x" * (MAX_NUMBER + 1)}),
        ("IMG-7117", {"certificate_number": "x" + " " * MAX_NUMBER}),
    ],
)
def test_what_speaks_against_a_header(code, case):
    with pytest.raises(HubRefused) as caught:
        check(**case)
    assert caught.value.code == code
    assert caught.value.where
    assert caught.value.expected


def test_the_hub_itself_sends_for_any_country_of_its_pairs_and_types():
    check("the-hub", sender="CL", to="NL", own=["NL"])
    for code, told in (
        ("IMG-7111", {"sender": "", "to": "NL"}),
        ("IMG-7111", {"sender": "chile", "to": "NL"}),
        ("IMG-7115", {"to": "BE"}),
        ("IMG-7116", {"to": "NL", "certificate_type": 657}),
    ):
        with pytest.raises(HubRefused) as caught:
            check("the-hub", own=["NL"], **told)
        assert caught.value.code == code


def test_a_channel_sends_for_the_countries_of_its_pairs_and_for_no_others():
    check("window", record={"document_types": ["*"], "country_pairs": ["AR>BE"]})
    with pytest.raises(HubRefused) as caught:
        check("window", record={"document_types": ["*"], "country_pairs": ["AR>BE"]}, sender="UY")
    assert caught.value.code == "IMG-7115"


def test_a_country_response_goes_the_other_way_and_has_any_status():
    answer = {"sender": "BE", "to": "AR", "certificate_status": 41}
    check("be-nppo", response=True, **answer)
    with pytest.raises(HubRefused) as caught:
        check("be-nppo", response=True, record={"country_pairs": ["BE>*"]}, **answer)
    assert (caught.value.code, caught.value.found, caught.value.expected) == ("IMG-7115", "AR>BE", "BE>*")
    assert "certificate that is answered" in caught.value.where
    with pytest.raises(HubRefused) as caught:
        check("be-nppo", **answer)
    assert caught.value.code == "IMG-7115"
    for wrong in ({"certificate_type": 852}, {"certificate_status": -1}, {"certificate_status": 2**31}):
        with pytest.raises(HubRefused) as caught:
            check("be-nppo", response=True, **{**answer, **wrong})
        assert caught.value.code == "IMG-7116"


def test_an_error_as_one_line_begins_with_its_code():
    line = described(HubRefused("IMG-7113", where="To", found="XX", expected="a country"))
    assert line == (
        "IMG-7113: The receiving country is not active | where To | found XX | expected a country | retry after-change"
    )


def test_a_blank_number_can_be_corrected():
    """The envelope can be sent again with the number that the certificate has."""
    assert catalogue()["IMG-7117"].retry is Retry.AFTER_CHANGE
