import subprocess

import pytest

from gateway.cli.desk import ExitCode
from gateway.sandbox.samples import certificate
from gateway.sandbox.tsa import TimestampAuthority
from gateway.sandbox.tsa_server import credential_in, serve_in_thread


@pytest.fixture
def sealed(imsoc, trial):
    (trial / "certificate.xml").write_bytes(certificate())
    answer = imsoc.json("seal", "certificate.xml", "--out", "sealed.xml")
    assert answer["bytes"] == (trial / "sealed.xml").stat().st_size
    return trial / "sealed.xml"


def test_a_seal_passes_under_its_root(imsoc, sealed):
    answer = imsoc.json("verify", sealed, "--anchor", "gateway-root.pem")
    assert answer["passed"]
    assert answer["seals"][0]["indication"] == "TOTAL-PASSED"


def test_a_seal_does_not_pass_under_another_root(imsoc, sealed):
    answer = imsoc.json("verify", sealed, "--anchor", "partner-root.pem", code=ExitCode.REFUSED)
    assert not answer["passed"]


def test_without_an_anchor_nothing_passes(imsoc, sealed):
    assert not imsoc.json("verify", sealed, code=ExitCode.REFUSED)["passed"]


def test_an_altered_document_fails(imsoc, sealed):
    sealed.write_bytes(sealed.read_bytes().replace(b"AR-EX-2026-0000001", b"AR-EX-2026-0000002"))
    answer = imsoc.json("verify", sealed, "--anchor", "gateway-root.pem", code=ExitCode.REFUSED)
    assert answer["seals"][0]["code"].startswith("IMG-40")


def test_xmlsec1_accepts_what_verify_extracts(imsoc, sealed, external, tmp_path):
    xmlsec1 = external("xmlsec1")
    imsoc("verify", sealed, "--anchor", "gateway-root.pem", "--extract", tmp_path / "parts")
    parts = tmp_path / "parts"
    commands = (parts / "commands.txt").read_text("utf-8").splitlines()
    line = next(line for line in commands if line.startswith("xmlsec1"))
    done = subprocess.run([xmlsec1, *line.split()[1:]], cwd=parts, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_key_of_ones_own_seals_without_settings(imsoc, tmp_path):
    imsoc("keys", "trial")
    (tmp_path / "certificate.xml").write_bytes(certificate())
    result = imsoc(
        "seal", "certificate.xml", "--key", "trial/partner-seal.key", "--certificate", "trial/partner-seal.pem"
    )
    assert b"SignatureValue" in result.stdout_bytes
    imsoc("seal", "certificate.xml", "--key", "trial/partner-seal.key", code=ExitCode.USAGE)


def test_another_key_is_stamped_by_the_authority_of_the_settings(imsoc, trial):
    stamps = serve_in_thread(TimestampAuthority(credential_in(trial)))
    try:
        settings = (trial / "imsoc.toml").read_text("utf-8")
        address = f"http://127.0.0.1:{stamps.server_port}/"
        added = f'[seal]\ntimestamp = "required"\ntimestamp_authorities = ["{address}"]\n'
        added += 'timestamp_anchors = ["tsa-root.pem"]\n'
        assert "[seal]\n" in settings
        (trial / "imsoc.toml").write_text(settings.replace("[seal]\n", added), "utf-8")
        own_key = ("--key", "partner-seal.key", "--certificate", "partner-seal.pem")
        imsoc("seal", "certificate.xml", *own_key, "--out", "sealed.xml")
    finally:
        stamps.shutdown()
        stamps.server_close()
    roots = ("--anchor", "partner-root.pem", "--anchor", "tsa-root.pem")
    seal = imsoc.json("verify", "sealed.xml", *roots)["seals"][0]
    assert seal["time_stamp"]
    assert "third country" in seal["signer"]


def test_a_seal_needs_a_key(imsoc, tmp_path):
    (tmp_path / "certificate.xml").write_bytes(certificate())
    assert "seal.key" in imsoc("seal", "certificate.xml", code=ExitCode.USAGE).stderr


def test_a_key_file_that_is_gone_is_named(imsoc, trial):
    (trial / "certificate.xml").write_bytes(certificate())
    (trial / "seal.key").unlink()
    error = imsoc("seal", "certificate.xml", code=ExitCode.USAGE).stderr
    assert "IMG-0104" in error
    assert "seal.key" in error
