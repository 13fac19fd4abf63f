"""Gateway processes on this machine: started in parallel, waited for, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from gateway.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["COMMAND", "Instance", "free_port", "stop_all"]

COMMAND = (sys.executable, "-P", "-m", "gateway")
"""The program of this installation; never a package ``gateway`` in the working folder (``-P``)."""

START_SECONDS = 40.0
"""How long an instance may take to answer; a cold start compiles every module first."""


@dataclass(slots=True)
class Instance:
    """One gateway process and where it is."""

    name: str
    role: str
    port: int
    folder: Path
    tls_root: Path | None = None
    """PEM root of its TLS certificate; it is served over plain HTTP without one."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Without a path."""
        return f"{'http' if self.tls_root is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "imsoc.toml"

    @property
    def log(self) -> Path:
        """Where the process writes its log."""
        return self.folder / "log.txt"

    def launch(self) -> None:
        """Start the process; it is not waited for."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("IMSOC_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [*COMMAND, "--config", str(self.config), "serve"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until it answers.

        Raises:
            ConfigurationError: IMG-0150 it ended; the message has the last line of its log.
            Unavailable: IMG-9004 it does not come up.
        """
        deadline = time.monotonic() + START_SECONDS
        session = requests.Session()
        session.trust_env = False
        if self.tls_root is not None:
            session.verify = str(self.tls_root)
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise ConfigurationError("IMG-0150", where=str(self.log), found=_last_line(self.log))
            try:
                if session.get(f"{self.address}/health/ready", timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise Unavailable("IMG-9004", where=str(self.log), found=_last_line(self.log))


def stop_all(instances: Iterable[Instance]) -> None:
    """Ask all processes to end at once, and wait for each."""
    running = [instance.process for instance in instances if instance.process is not None]
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1] if lines else "nothing logged"
