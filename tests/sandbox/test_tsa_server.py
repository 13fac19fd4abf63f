"""The development time stamps as a program: what `imsoc keys` makes is enough to be stamped by it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.sandbox.pki import Authority, write
from gateway.sandbox.tsa import TimestampAuthority
from gateway.sandbox.tsa_server import credential_in, main, serve_in_thread
from gateway.trust import Anchor, Level, Purpose, TimestampClient, TrustStore

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def test_a_stamp_of_the_keys_in_a_folder_is_trusted_under_their_root(tmp_path):
    root = Authority("Stamps", now=NOW)
    write(tmp_path, "tsa", root.timestamping("Unit"))
    server = serve_in_thread(TimestampAuthority(credential_in(tmp_path), clock=lambda: NOW))
    try:
        anchor = Anchor("root", root.certificate_der, frozenset({Purpose.TIMESTAMP}), Level.QUALIFIED)
        client = TimestampClient([f"http://127.0.0.1:{server.server_port}/"], TrustStore([anchor]))
        assert client.stamp(b"what is signed", at=NOW)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("arguments", [[], ["folder"], ["nowhere", "0"], ["nowhere", "port"]])
def test_what_cannot_be_served_is_told(arguments, capsys):
    assert main(arguments) == 2
    assert "FOLDER PORT" in capsys.readouterr().err


def test_a_certificate_without_its_key_is_told(tmp_path, capsys):
    write(tmp_path, "tsa", Authority("Stamps", now=NOW).timestamping("Unit"))
    (tmp_path / "tsa.key").write_text("no key")
    assert main([str(tmp_path), "0"]) == 2
    assert "FOLDER PORT" in capsys.readouterr().err
