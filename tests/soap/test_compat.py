"""spyne imports and serves on the interpreter that runs these tests, and in a fresh process."""

import subprocess
import sys

import pytest

from gateway.soap import compat

pytestmark = pytest.mark.short


def test_spyne_imports_in_a_fresh_process():
    program = (
        "from gateway.soap.compat import install; install(); install()\n"
        "from spyne import Application, ServiceBase\n"
        "from spyne.protocol.soap import Soap11, Soap12\n"
        "from spyne.server import ServerBase\n"
        "from spyne.util.six.moves.urllib.parse import quote\n"
        "from spyne.util import six\n"
        "assert six.get_function_name\n"  # spyne's own addition to its copy is still there
        "print('imported')"
    )
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "imported", ran.stderr[-500:]


def test_installing_twice_keeps_the_same_modules():
    compat.install()
    before = sys.modules["spyne.util.six.moves.urllib.parse"]
    compat.install()
    assert sys.modules["spyne.util.six.moves.urllib.parse"] is before
