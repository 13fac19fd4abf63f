import subprocess
import sys

import pytest

from gateway.errors import ConfigurationError, Unavailable
from gateway.sandbox import processes
from gateway.sandbox.instances import Sandbox


@pytest.fixture
def sandbox(tmp_path):
    made = Sandbox(tmp_path)
    for instance in made.instances:
        instance.folder.mkdir()
    yield made
    made.stop()


def test_a_gateway_that_ends_at_once_is_named_with_the_last_line_of_its_log(sandbox):
    sandbox.b.config.write_text('[instance]\nid = "Not Allowed"\n')
    with pytest.raises(ConfigurationError) as caught:
        sandbox.start()
    assert caught.value.code == "IMG-0150"
    assert caught.value.where == str(sandbox.b.log)
    assert caught.value.found != "nothing logged"


def test_a_gateway_that_does_not_answer_is_named(sandbox, monkeypatch):
    monkeypatch.setattr(processes, "START_SECONDS", 0.3)
    monkeypatch.setattr(processes, "COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(Unavailable) as caught:
        sandbox.start()
    assert caught.value.code == "IMG-9004"


def test_a_package_of_the_same_name_in_the_working_folder_is_not_run(tmp_path):
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "__init__.py").write_text("")
    (tmp_path / "gateway" / "__main__.py").write_text("print('not ours')")
    ended = subprocess.run([*processes.COMMAND, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "not ours" not in ended.stdout
    assert ended.returncode == 0, ended.stderr


def test_all_gateways_have_ports_and_folders_of_their_own(sandbox):
    assert len({instance.port for instance in sandbox.instances}) == 4
    assert len({instance.folder for instance in sandbox.instances}) == 4
    assert [instance.name for instance in sandbox.instances if instance.address.startswith("https:")] == ["gateway-h"]
