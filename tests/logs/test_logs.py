import io
import json
import logging

import pytest
import structlog

from gateway.config import LoggingSettings
from gateway.logs import set_up_logging

pytestmark = pytest.mark.short


@pytest.fixture
def lines():
    """Logs as JSON into memory; what was set up before is put back."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging(LoggingSettings(level="info", json=True), stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def test_an_event_is_one_object_with_its_keys(lines):
    structlog.get_logger().info("submission.accepted", exchange="01ABC", partner="ar", bytes=12)
    (event,) = lines()
    assert event["event"] == "submission.accepted"
    assert (event["exchange"], event["bytes"], event["level"]) == ("01ABC", 12, "info")
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize("key", ["password", "secret", "content", "document", "body", "nonce", "raw"])
def test_content_and_secrets_are_withheld(lines, key):
    structlog.get_logger().info("event", **{key: "Jane Doe"})
    assert lines()[0][key] == "(withheld)"


def test_long_and_binary_values_never_get_in_whole(lines):
    structlog.get_logger().info("event", note="x" * 1000, data=b"<Certificate/>" * 10)
    (event,) = lines()
    assert len(event["note"]) == 200
    assert event["data"] == "bytes"


def test_an_exception_is_logged_without_its_text(lines):
    try:
        int("Jane Doe's certificate")
    except ValueError:
        structlog.get_logger().exception("call.failed")
    (event,) = lines()
    assert event["exception"] == "ValueError"
    assert event["raised_at"].startswith("tests.logs.test_logs:")
    assert "Jane" not in json.dumps(event)


def test_records_of_libraries_lose_their_exception_texts_too(lines):
    try:
        int("Jane Doe")
    except ValueError:
        logging.getLogger("somewhere").exception("request failed")
    (event,) = lines()
    assert (event["event"], event["logger"], event["exception"]) == ("request failed", "somewhere", "ValueError")
    assert "Jane" not in json.dumps(event)


@pytest.mark.parametrize("name", ["spyne.protocol.soap", "zeep.transports", "urllib3.connectionpool"])
def test_libraries_that_log_messages_are_silent(lines, name):
    logging.getLogger(name).error("<Envelope>Jane Doe</Envelope>")
    assert lines() == []


def test_the_level_holds(lines):
    structlog.get_logger().debug("detail")
    assert lines() == []


def test_what_others_wrote_does_not_steer_the_terminal(lines):
    """XML lets C1 controls and marks of direction through, so a hub's number may hold them."""
    structlog.get_logger().info("event", number="1\x9b31m\u202e2\n3\x1b[0m é", kept="a b é €")
    (event,) = lines()
    assert event["number"] == "1\ufffd31m\ufffd2\ufffd3\ufffd[0m é"
    assert event["kept"] == "a b é €"
