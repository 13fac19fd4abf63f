"""The pieces of CertificateExchange's answers: escaped, in the order of the schema, valid whatever they hold."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.endpoints.rendering import element, fault_detail, instant, message, optional
from gateway.errors import ConfigurationError, Finding, GatewayError, Severity, catalogue
from gateway.xml.schemas import SchemaName, validate

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(ANY_TEXT)
def test_any_text_is_carried_or_replaced_and_never_breaks_the_message(value):
    root = etree.fromstring(message("GatewayFault", [element("Message", value)]))
    shown = root.findtext("{*}Message", "")
    for sent, kept in zip(value.replace("\r\n", "\n"), shown, strict=False):
        assert kept in {sent, "\ufffd", "\n"}


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.lists(st.sampled_from(Severity), max_size=3))
def test_every_fault_detail_is_valid(where, found, expected, severities):
    findings = tuple(Finding("RULE-1", severity, "m", where, found, expected, where) for severity in severities)
    error = GatewayError("IMG-5001", found, where=where, found=found, expected=expected, findings=findings)
    error.exchange_id = "01M80TYVV4RNJQ2S4349MVGPNE"
    root = etree.fromstring(fault_detail(error))
    validate(SchemaName.CERTIFICATE_EXCHANGE, root)
    assert len(root.findall("{*}Finding")) == len(severities)


@pytest.mark.parametrize("code", catalogue())
def test_the_fault_of_every_code_is_valid(code):
    root = etree.fromstring(fault_detail(GatewayError(code)))
    validate(SchemaName.CERTIFICATE_EXCHANGE, root)
    assert root.findtext("{*}Code") == code
    assert root.findtext("{*}Retry") == catalogue()[code].retry
    assert root.findtext("{*}WhatToDo") == catalogue()[code].action


def test_what_an_operator_must_repair_is_not_the_callers_to_do():
    root = etree.fromstring(fault_detail(ConfigurationError("IMG-0121")))
    assert "operator" in root.findtext("{*}WhatToDo")


def test_what_xml_cannot_carry_is_replaced():
    answer = message("GatewayFault", [element("Message", "a\x00b\x1bc\ufffed\uffffe\ud800f\x7f")])
    assert etree.fromstring(answer).findtext("{*}Message") == "a�b�c�d�e�f\x7f"


def test_a_fault_has_an_end():
    findings = tuple(Finding("R", Severity.INFO, "m" * 500) for _ in range(1000))
    assert len(fault_detail(GatewayError("IMG-5001", findings=findings))) < 100_000


def test_empty_values_are_left_out_and_zero_is_not_empty():
    assert (optional("A", None), optional("A", ""), optional("A", 0)) == ("", "", "<cx:A>0</cx:A>")


def test_a_moment_is_written_in_utc_to_milliseconds():
    moment = datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert instant(moment) == "2026-01-31T23:59:59.999Z"
    east = moment.astimezone(timezone(timedelta(hours=2)))
    assert instant(east) == instant(moment)
