"""The header of TRACES replies."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from shape import differences

from gateway.errors import SoapRefused
from gateway.traces.replies import read_reply_headers, reply_header, write_reply_header
from gateway.xml.boundary import parse
from gateway.xml.names import SOAP11, WSU

pytestmark = pytest.mark.short

NUMBER = uuid.UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
AT = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))


def header_of(content: bytes):
    return parse(b'<S:Header xmlns:S="%s">%s</S:Header>' % (SOAP11.encode(), content)).root


@pytest.mark.parametrize(
    "name",
    [
        "ched/FindChedCertificateResponse.xml",
        "ched/SubmitChedResponse.template.xml",
        "intra/GetEuIntraCertificateResponse.xml",
    ],
)
def test_it_has_the_shape_of_the_captures(captured, name):
    theirs = parse(captured(name)).root.find(f"{{{SOAP11}}}Header")
    assert differences(header_of(write_reply_header(AT, NUMBER)), theirs) == []


def test_it_lasts_five_seconds_in_the_offset_it_was_made_in():
    times = [element.text for element in header_of(write_reply_header(AT, NUMBER)).iter(f"{{{WSU}}}*")][1:]
    assert times == ["2026-07-01T12:00:00.123+02:00", "2026-07-01T12:00:05.123+02:00"]


def test_each_reply_has_its_own_number_and_time():
    numbers = iter([NUMBER, uuid.UUID(int=5)])
    header = reply_header(lambda: AT, lambda: next(numbers))
    first, second = (read_reply_headers(list(header_of(header(None)))) for _ in range(2))
    assert (first.request_id, second.request_id) == (str(NUMBER), str(uuid.UUID(int=5)))
    assert first.created == datetime(2026, 7, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert reply_header()(None) != reply_header()(None)


def test_a_reply_without_them_is_a_reply():
    assert read_reply_headers([]).request_id == ""
    assert read_reply_headers(list(header_of(b"<other/>"))).created is None


def test_a_time_that_is_none_is_refused():
    with pytest.raises(SoapRefused) as caught:
        read_reply_headers(list(header_of(write_reply_header(AT, NUMBER).replace(b"2026-07-01T12", b"today"))))
    assert caught.value.code == "IMG-1108"
