"""The walkthroughs about codes and customs are run as they are printed: every line, in bash, in a folder of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.sandbox.processes import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
REFUSED = re.compile(r"^(.*?) *# refused: (IMG-\d{4})$")
FAILS = re.compile(r"^(.*?) *# exit code (\d)\b.*$")


def script(page):
    """The indented blocks; a line that is meant to fail is checked for its code and does not end the rest."""
    lines = (ROOT / "docs" / page).read_text("utf-8").splitlines()
    return "\n".join(checked(line[4:]) for line in lines if line.startswith("    "))


def checked(line):
    if found := REFUSED.match(line):
        return f"refused {shlex.quote(found[2])} {found[1]}"
    if found := FAILS.match(line):
        return f"fails {found[2]} {found[1]}"
    return line


PRELUDE = """
set -eu -o pipefail
trap 'code=$?; for job in $(jobs -p); do kill $job; done; exit $code' EXIT
refused() {
    wanted=$1; shift
    if said=$("$@" 2>&1); then echo "not refused: $*"; exit 90; fi
    case $said in *"$wanted"*) echo "$said" ;; *) echo "$said"; echo "no $wanted: $*"; exit 91 ;; esac
}
fails() {
    wanted=$1; shift
    code=0; "$@" || code=$?
    test $code = $wanted || { echo "exit code $code: $*"; exit 92; }
}
"""


IMSOC = """#!/bin/sh
# As the page, on a port that is free.
if [ "$1" = keys ]; then "$REAL" "$@" && exec sed -i "s/8080/$PORT/" "$2/imsoc.toml"; fi
exec "$REAL" "$@"
"""


def run(page, head, instead, folder):
    """What the page's lines print, on ports that are free; an exit code that is not the page's fails."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "imsoc").write_text(IMSOC)
    (bin_folder / "imsoc").chmod(0o755)
    ports = {"8080": str(free_port()), "8081": str(free_port())}
    text = re.sub("808[01]", lambda found: ports[found[0]], script(page))
    assert head in text
    programs = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IMSOC_")}
    environment |= {"PATH": f"{bin_folder}:{programs}:{os.environ['PATH']}", "REAL": str(programs / "imsoc")}
    environment |= {"PORT": ports["8080"], "COLUMNS": "200"}
    done = subprocess.run(
        ["bash", "-c", PRELUDE + text.replace(head, instead)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_every_line_about_codes_does_what_the_page_says(tmp_path):
    head = "export PATH=$PWD/.venv/bin:$PATH SOURCE=$PWD FILES=$PWD/examples"
    said = run("mappings-walkthrough.md", head, f"export SOURCE={ROOT} FILES={ROOT}/examples", tmp_path)
    assert "The same bytes as stored." in said
    assert re.search(r"added +PB", said)


def test_every_line_about_customs_does_what_the_page_says(tmp_path):
    head = "export PATH=$PWD/.venv/bin:$PATH SOURCE=$PWD"
    said = run("customs-walkthrough.md", head, f"export SOURCE={ROOT}", tmp_path)
    answers = re.findall(  # what the two clients print
        r"^(?:RESERVED|REFUSED \d\d|OUTCOME \d\d|Reservation\w+>\d|Quantity\w+>\d\d)", said, re.MULTILINE
    )
    assert answers == [
        *("RESERVED", "REFUSED 05", "OUTCOME 01", "RESERVED", "OUTCOME 01"),
        *("ReservationResult>1", *(f"QuantityManagementOutcome>{code}" for code in ("01", "01", "03"))),
        *("RESERVED", "OUTCOME 01"),
    ]
    assert "1 checked: each is the sum of its entries" in said
