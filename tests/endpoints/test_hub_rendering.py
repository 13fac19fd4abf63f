"""The pieces of the hub's answers that are no envelopes: valid whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.endpoints.hub_rendering import MAX_RESULTS, channels, exception_detail, nppo, nppos, results
from gateway.errors import GatewayError, HubRefused, catalogue
from gateway.ippc.profile import Channel, NppoDocument, NppoProfile, NppoRule, read_channel, read_nppo
from gateway.ippc.validation_result import ValidationResult
from gateway.ippc.wire import response
from gateway.xml.schemas import SchemaName, validate

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20).map(
    lambda text: " ".join(text.split())
)
NUMBER = st.integers(0, 2**31 - 1)
PROFILES = st.builds(
    NppoProfile,
    country=TEXT,
    receive=st.booleans(),
    send=st.booleans(),
    documents=st.lists(st.builds(NppoDocument, NUMBER, NUMBER, st.booleans(), TEXT, TEXT), max_size=3).map(tuple),
    signature_dn=TEXT,
    signature_certificate=TEXT,
    rules=st.lists(
        st.builds(
            NppoRule,
            NUMBER,
            st.booleans(),
            st.sampled_from(["FORWARD", "DELEGATE"]),
            NUMBER,
            NUMBER,
            TEXT,
            st.sampled_from(["OUT", "INC"]),
        ),
        max_size=3,
    ).map(tuple),
)


def answer(operation, content):
    body = etree.fromstring(response(operation, content.encode()))
    validate(SchemaName.DELIVERY_SERVICE_TYPED, body)
    return body


@given(PROFILES)
def test_any_profile_is_valid_and_reads_back_as_it_was(profile):
    body = answer("GetProfile", nppo(profile))
    assert read_nppo(body[0]) == profile
    assert [read_nppo(each) for each in answer("GetActiveNppos", nppos([profile, profile]))[0]] == [profile, profile]


@given(st.lists(st.builds(Channel, TEXT, TEXT, st.booleans(), st.booleans()), max_size=3))
def test_any_channels_are_valid_and_read_back_as_they_were(known):
    body = answer("GetAvailableChannels", channels(known))
    assert [read_channel(each) for each in body[0]] == known


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_finding_is_valid(text):
    found = [ValidationResult("Mapping", text, "WARNING", text)]
    (result,) = answer("ValidatePhytoXML", results(found))
    assert (result.findtext("area"), result.findtext("level")) == ("Mapping", "WARNING")


def test_findings_have_an_end():
    body = answer("ValidatePhytoXML", results([ValidationResult("Schema", "f", "INFO", "m")] * (MAX_RESULTS + 1)))
    assert len(body) == MAX_RESULTS


@pytest.mark.parametrize("code", catalogue())
def test_the_exception_of_every_code_is_valid_and_begins_with_it(code):
    body = etree.fromstring(exception_detail(GatewayError(code)))
    validate(SchemaName.DELIVERY_SERVICE_TYPED, body)
    assert body[0].text.startswith(f"{code}: ")


def test_an_exception_says_all_there_is_to_say():
    error = HubRefused("IMG-7101", where="w", found="a <b> \x00 c", expected="e")
    error.exchange_id = "01M80TYVV4RNJQ2S4349MVGPNE"
    said = etree.fromstring(exception_detail(error))[0].text
    title = catalogue()["IMG-7101"].title
    retry = catalogue()["IMG-7101"].retry
    assert said == (
        f"IMG-7101: {title} | where w | found a <b> \ufffd c | expected e | retry {retry}"
        " | recorded as 01M80TYVV4RNJQ2S4349MVGPNE"
    )
