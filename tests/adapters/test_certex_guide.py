"""docs/customs-client.md: its Python runs as it stands there."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_certex import CHED, certex

PAGE = (Path(__file__).parents[2] / "docs" / "customs-client.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(tmp_path):
    """Runs the blocks of the page one after the other in one namespace; gives what they print, block by block."""
    with certex(now=datetime.now(UTC)) as fake:
        names = {"address": fake.address, "secret": "s", "reference": CHED, "kept": tmp_path / "kept.json"}

        def block(number):
            exec(compile(BLOCKS[number], f"block {number}", "exec"), names)
            return names

        block.fake = fake
        yield block


def test_the_page_runs_as_it_stands(run, capsys):
    for number in range(len(BLOCKS)):
        names = run(number)
    told = capsys.readouterr().out.splitlines()
    assert told == ["1 0401 1000 KGM", "reserved", "done 01", "done found by a read"]
    assert names["kept"].exists()


def test_the_page_tells_of_what_is_unknown(run, capsys):
    run(0), run(1)
    run.fake.script.append("late")
    run(2)
    assert "IMG-8030" in capsys.readouterr().out
    run.fake.arrive()
    run(4)
    assert capsys.readouterr().out == "reserved found by a read\n"


def test_the_page_tells_of_a_refusal(run, capsys):
    run(0), run(1)
    run.fake.status = "1"
    run(2)
    assert "refused 04" in capsys.readouterr().out
