"""``imsoc demo`` as a person or a build runs it: in a process of its own, from any folder, leaving nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SECONDS = 180
YEAR = datetime.now(UTC).year
COMMAND = [sys.executable, "-m", "gateway", "demo"]
REFUSALS = ["IMG-4009", "IMG-2003", "IMG-6001", "IMG-4020", "IMG-4102", "IMG-4101"]


@pytest.fixture
def elsewhere(tmp_path):
    """An environment whose temporary folder is this test's own; the working folder is not the project's."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("IMSOC_", "COLUMNS"))}
    return {"env": {**environment, "TMPDIR": str(folder), "COLUMNS": "100"}, "cwd": tmp_path}


def running(folder):
    """Processes whose command line names the folder: gateways get their settings by path."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("no /proc to look for processes in")
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in file.read_bytes():
                found.append(file.parent.name)
        except OSError:
            continue
    return [number for number in found if int(number) != os.getpid()]


def end(demo):
    """Also after a failure: a demo that is killed cannot take its gateways along."""
    demo.terminate()
    try:
        demo.wait(timeout=30)
    except subprocess.TimeoutExpired:
        demo.kill()


def assert_nothing_is_left(tmp_path):
    deadline = time.monotonic() + 10
    while running(tmp_path / "tmp") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(tmp_path / "tmp")
    assert not list((tmp_path / "tmp").glob("imsoc-demo-*"))


@pytest.mark.parametrize("packed", [False, True], ids=["from the project", "from a copy of what is installed"])
def test_once_in_json_ends_well_in_time_and_leaves_nothing(elsewhere, tmp_path, packed):
    if packed:
        elsewhere["env"]["PYTHONPATH"] = str(copy_of_the_packages(tmp_path / "site"))
    started = time.monotonic()
    ended = subprocess.run(
        [*COMMAND, "--once", "--json"], **elsewhere, capture_output=True, check=False, timeout=SECONDS
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    assert time.monotonic() - started < SECONDS
    story = json.loads(ended.stdout)
    assert story["ok"] is True
    assert story["seconds"] < SECONDS
    assert len(story["steps"]) >= 57
    assert all(step["ok"] for step in story["steps"])
    assert all(step["title"] and step["why"] for step in story["steps"])
    assert all(step["facts"] or step["rows"] for step in story["steps"])
    refused = [dict(step["facts"]).get("refused", "")[:8] for step in story["steps"]]
    assert [code for code in refused if code] == REFUSALS
    assert_the_hub_is_in(story["steps"])
    assert_cheds_are_in(story["steps"])
    assert_codes_are_in(story["steps"])
    assert_customs_are_in(story["steps"])
    assert not ended.stderr
    assert_nothing_is_left(tmp_path)


def assert_the_hub_is_in(steps):
    """The second journey: what came of each envelope, in the words that its sender reads."""
    told = {name: value for step in steps for name, value in step["facts"]}
    states = [value.split(".")[0] for name, value in told.items() if name.startswith("AR-HUB-")]
    assert states == ["Delivered", "DeliveredWithWarnings", "DeliveredNotReadable"]
    assert [step["facts"][0][1] for step in steps if "no organisation" in step["title"]] == ["FailedDelivery"]
    assert told["route"].startswith("iv")
    assert told["seal level"].startswith("none: ")
    assert "TLS" in told["authenticated"]
    assert told["third country"].startswith("status 41")
    assert told["answer"].startswith("HTTP 403")


def assert_cheds_are_in(steps):
    """The third journey, in the order in which it has to be told."""
    (first,) = [number for number, step in enumerate(steps) if "faces of TRACES NT" in step["title"]]
    (end,) = [number for number, step in enumerate(steps) if "keep such messages" in step["title"]]
    cheds = [dict(step["facts"]) for step in steps[first:end]]
    titles = [step["title"] for step in steps[first:end]]
    wanted = ("hands in", "finds it", "without signing", "both stamped", "reads the decision", "printable")
    wanted += ("the seal of TRACES", "CHED-A", "counter-seals", "five findings", "stopped", "started again")
    wanted += ("personal data", "Another Member")
    places = [next(number for number, title in enumerate(titles) if words in title) for words in wanted]
    assert places == sorted(places) == list(range(1, len(titles)))
    told = {name: value for facts in cheds for name, value in facts.items()}
    assert told["codes"].startswith("IM → INTERNAL_MARKET, KG → KGM")
    assert (told["decision"], told["II.3 to II.5"]) == ("G-IM", "OK, OK, OK")
    findings = next(facts for facts, title in zip(cheds, titles, strict=True) if "five findings" in title)
    assert len(findings) == 6
    assert findings["fault"] == "BusinessRulesValidationException"
    assert told["I.2"] == "empty"
    assert told["at TRACES"] == "CHEDPP.NL.2026.0000002, CHEDPP.NL.2026.0000003".replace("2026", str(YEAR))
    assert told["consignee"].endswith("***")
    assert told["a wrong password"] == "UnauthenticatedException"


def assert_codes_are_in(steps):
    """The fourth journey: what each of its steps shows that no other does."""
    (first,) = [number for number, step in enumerate(steps) if "keep such messages" in step["title"]]
    (end,) = [number for number, step in enumerate(steps) if "customs asked too early" in step["title"]]
    titles = [step["title"] for step in steps[first:end]]
    wanted = ("keep such", "asks what became", "before anything is changed", "releases itself", "in B's codes")
    wanted += ("that was recorded", "its own moment", "a formula in a cell", "(XLSX)", "compares the lists")
    assert [words for words, title in zip(wanted, titles, strict=True) if words not in title] == []
    told = [dict(step["facts"]) for step in steps[first:end]]
    held, asked, looked, released, _, _, again, refused, imported, drifted = told
    assert held["answered"].startswith("IMG-6010")
    assert held["row to add"].startswith("map-ephyto-package.csv: X0,?,,in,widens,")
    assert asked["status"] == f"HELD, as {held['kept as']}"
    assert looked["it would"].startswith("add 1, close 0; change 0 of ")
    assert looked["it would"].endswith("; let 1 of quarantine go")
    assert released["edition"].startswith("1: tables 1@")
    assert again["tables then"].startswith("0@")
    assert list(refused) == ["IMG-0136", "IMG-0137"]
    assert imported["for example"].endswith("D1 becomes CT, not BX")
    assert drifted["drift"].startswith("added PB ")


def assert_customs_are_in(steps):
    """The fifth journey: the ledger after each step, and the sum of it all."""
    (first,) = [number for number, step in enumerate(steps) if "customs asked too early" in step["title"]]
    validated, parallel, refused, cleared, cancelled, checked = [dict(step["facts"]) for step in steps[first:]]
    ours, theirs = "26NL000396DEMO0001", "26BE212000DEMO0002"
    line = "line 1 (02023090): "
    assert validated["I.2"] == f"CHEDP.NL.{YEAR}.0000001, for NL and BE"
    assert validated["too early"].startswith("not reserved, reason 04")
    assert validated["ledger"] == f"{line}1000 KGM available"
    assert parallel["ledger"].startswith(f"{line}100 KGM available; ")
    assert sorted(parallel["ledger"].split("; ")[1:]) == [
        f"300 KGM reserved for {theirs}",
        f"600 KGM reserved for {ours}",
    ]
    assert refused["NL000396"].endswith("REFUSED, reason 05")
    assert refused["ledger"] == parallel["ledger"]
    assert cleared["ledger"] == (f"{line}100 KGM available; 300 KGM reserved for {theirs}; 600 KGM consumed by {ours}")
    assert cancelled["ledger"] == f"{line}400 KGM available; 600 KGM consumed by {ours}"
    assert cancelled["outcome"] == "01; asked again 02, nothing is held"
    assert checked["check"].endswith("each the sum of its entries")
    assert checked["II.23"] == ours


def copy_of_the_packages(site):
    """What a wheel would hold, without the project around it."""
    root = Path(__file__).parents[2]
    for package in ("gateway", "adapters", "mappings", "wsdl", "xsd"):
        for file in (root / package).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                target = site / file.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
    return site


def test_text_fits_a_terminal_and_says_what_and_why(elsewhere, tmp_path):
    folder = tmp_path / "kept"
    ended = subprocess.run(
        [*COMMAND, "--once", "--folder", str(folder)], **elsewhere, capture_output=True, check=False, timeout=SECONDS
    )
    text = ended.stdout.decode()
    assert ended.returncode == 0, text[-2000:]
    told = [line for line in text.splitlines() if str(folder) not in line]
    assert max(map(len, told)) <= 100
    assert len(told) < 450
    steps = re.findall(r"^ ?(\d+) ok ", text, re.MULTILINE)
    assert [int(number) for number in steps] == list(range(1, len(steps) + 1))
    assert "FAIL" not in text
    assert all(code in text for code in REFUSALS)
    assert re.search(r"All \d+ steps went as they should", text)
    assert "…" not in "".join(line for line in told if "ram:" in line)
    assert_kept(folder)
    assert not running(folder)


def assert_kept(folder):
    """Everything that a curious reader needs, and no key that others can read."""
    for name in (
        "evidence.zip",
        "gateway-a/imsoc.db",
        "gateway-b/imsoc.db",
        "gateway-c/imsoc.db",
        "gateway-h/imsoc.db",
        "gateway-a/imsoc.toml",
        "gateway-a/log.txt",
    ):
        assert (folder / name).stat().st_size
    printed = sorted(path.name for path in folder.glob("*.pdf"))
    assert [name.partition(".")[2] for name in printed] == [
        f"NL.{YEAR}.0000001.pdf",
        f"NL.{YEAR}.0000001.signed.pdf",
        "pdf",
    ]
    secret = [*(folder / "secrets").iterdir(), *(folder / "pki").glob("*.key")]
    assert len(secret) > 5
    assert not [path for path in secret if path.stat().st_mode & 0o077]
    imsoc = [sys.executable, "-m", "gateway"]
    config = ["--config", str(folder / "gateway-a" / "imsoc.toml")]
    listed = subprocess.run([*imsoc, *config, "messages", "list", "--json"], capture_output=True, check=True, text=True)
    assert "third-country" in listed.stdout
    for file, roots in (
        ("evidence.zip", ("third-country-root", "traces-root", "tsa-root")),
        ("evidence-of-the-envelope.zip", ("gateway-c-root", "tsa-root")),
        (f"CHEDPP.NL.{YEAR}.0000001.sealed.xml", ("traces-root", "tsa-root")),
    ):
        anchors = [f"--anchor={folder / 'pki' / name}.pem" for name in roots]
        verified = subprocess.run(
            [*imsoc, "verify", str(folder / file), *anchors], capture_output=True, check=False, text=True
        )
        assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_folder_that_holds_something_is_left_alone(elsewhere, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    ended = subprocess.run(
        [*COMMAND, "--once", "--json", "--folder", str(folder)], **elsewhere, capture_output=True, check=False
    )
    refusal = json.loads(ended.stdout)["error"]
    assert (ended.returncode, refusal["code"], refusal["where"]) == (2, "IMG-0104", "--folder")
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


@pytest.fixture
def heard():
    """A background job of a plain shell ignores Ctrl-C, and so would every program that a test starts there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_runs_on_until_it_is_stopped_and_takes_its_gateways_along(elsewhere, tmp_path, ending):
    with subprocess.Popen([*COMMAND], **elsewhere, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
        try:
            lines = []
            for line in demo.stdout:
                lines.append(line)
                if "ched find" in line:
                    break
            text = "".join(lines)
            ports = re.findall(r"http://127\.0\.0\.1:(\d+)/CertificateExchange\?wsdl", text)
            assert len(ports) == 3, text
            for port in ports:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
                    assert answer.status == 200
            assert len(running(tmp_path / "tmp")) >= 4
            if ending is signal.SIGINT:
                assert_the_hubs_example_works(text, tmp_path)
                assert_the_example_for_cheds_works(text, tmp_path)
                assert_the_example_for_customs_works(text, tmp_path)
            demo.send_signal(ending)
            rest = demo.stdout.read()
            assert demo.wait(timeout=20) == 0
            assert "Traceback" not in rest
        finally:
            end(demo)
    assert_nothing_is_left(tmp_path)


def assert_the_hubs_example_works(text, tmp_path):
    """The line that was printed for an integrator, and the same with a certificate that no record names."""
    program = Path(__file__).parents[2] / "examples" / "hub_client.py"
    (arguments,) = re.findall(r"examples/hub_client\.py (.*)$", text, re.MULTILINE)
    ended = subprocess.run(
        [sys.executable, program, *arguments.split()], cwd=tmp_path, capture_output=True, check=False, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "organisations at this hub: AR, BE" in ended.stdout
    assert "delivered AR-MINE-0000002 to BE: PendingDelivery" in ended.stdout
    somebody = [argument.replace("third-country-client", "somebody-else-client") for argument in arguments.split()]
    ended = subprocess.run(
        [sys.executable, program, *somebody], cwd=tmp_path, capture_output=True, check=False, text=True
    )
    assert (ended.returncode, ended.stdout[:17]) == (1, "refused: IMG-2010"), ended.stdout + ended.stderr


def assert_the_example_for_customs_works(text, tmp_path):
    """The line that was printed for a customs system, and the same with another's secret."""
    program = Path(__file__).parents[2] / "examples" / "customs_client.py"
    (line,) = re.findall(r"examples/customs_client\.py (.*)$", text, re.MULTILINE)
    answers = [
        subprocess.run(
            [sys.executable, program, *each.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        for each in (line, line.replace("customs-nl.txt", "customs-be.txt"))
    ]
    assert [each.returncode for each in answers] == [0, 1], [each.stdout + each.stderr for each in answers]
    assert answers[0].stdout.startswith("status 70\navailable line 1: 400 KGM 02023090\nconsumed line 1: 600 KGM MRN ")
    assert answers[1].stdout == "refused: UnauthenticatedException\n"


def assert_the_example_for_cheds_works(text, tmp_path):
    """The line that was printed for an integrator, with a file to cite; then another's secret, then another's body."""
    program = Path(__file__).parents[2] / "examples" / "traces_client.py"
    (line,) = re.findall(r"examples/traces_client\.py (.*)$", text, re.MULTILINE)
    arguments = line.split()
    tmp_path.joinpath("mine.pdf").write_bytes(b"%PDF-1.4 invented")

    def run(*changed):
        return subprocess.run(
            [sys.executable, program, *changed], cwd=tmp_path, capture_output=True, check=False, text=True
        )

    ended = run(*arguments, "mine.pdf")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    reference = re.search(r"^taken as (CHEDPP\.NL\.\d{4}\.\d{7}), status 1$", ended.stdout, re.MULTILINE)[1]
    assert f"found {reference}, CHED-PP, " in ended.stdout
    assert "file mine.pdf, 17 bytes" in ended.stdout
    assert (tmp_path / f"{reference}.pdf").read_bytes().startswith(b"%PDF-")
    ended = run(*[each.replace("national-ched.txt", "za-authority.txt") for each in arguments])
    assert (ended.returncode, ended.stdout) == (1, "refused: UnauthenticatedException\n")
    ended = run(*["OPNL0002" if each == "OPNL0001" else each for each in arguments])
    assert ended.returncode == 1
    assert "IMG-2111" in ended.stdout


def test_stopped_in_the_middle_it_leaves_nothing_either(elsewhere, tmp_path):
    with subprocess.Popen([*COMMAND], **elsewhere, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as demo:
        try:
            deadline = time.monotonic() + 40
            while len(running(tmp_path / "tmp")) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            demo.send_signal(signal.SIGTERM)
            out = demo.stdout.read()
            assert demo.wait(timeout=20) != 0
            assert b"Traceback" not in out
        finally:
            end(demo)
    assert_nothing_is_left(tmp_path)
