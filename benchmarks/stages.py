"""Where the time of one of our messages goes: functions of the pipeline timed from outside, each without its callees.

Reading the clock at both ends of every stage costs a microsecond or two each, so the sum is a little above the truth;
the headline figures are taken without it.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["STAGES", "Stages"]

STAGES = {
    "boundary": ("gateway.xml.boundary:parse",),
    "SOAP": ("gateway.soap.server:SoapApplication.__call__",),
    "spyne": ("gateway.soap.protocol:SpyneServer.answer",),
    "authentication": ("gateway.exchange.admission:Admission.admit",),
    "XSD": ("gateway.xml.schemas:validate",),
    "examination (access, route, views)": ("gateway.exchange.examination:examine",),
    "seal": ("gateway.trust.seals:verify_sealed",),
    "rules": ("gateway.rules.evaluation:evaluate",),
    "translation": ("mappings.engine:translate",),
    "acknowledgement and its seal": (
        "gateway.exchange.acknowledgement:acknowledgement",
        "gateway.trust.sealer:Sealer.seal",
    ),
    "preparing the record": ("gateway.exchange.submission:submit",),
    "commit (waiting for the writer)": ("gateway.store.store:Store.write",),
}
"""Stage to the functions that are it; time in a stage that another one calls counts for the inner one only."""


class Stages:
    """Puts a clock around every stage, everywhere it was imported to; for one thread.

    Seconds since ``clear``, by stage: ``wall``, and ``cpu`` of the calling thread (the writer works in its own).

    Make it after the application, so that all modules are loaded, and before a bound function is kept somewhere.
    """

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._open: list[list[float]] = []
        for stage, names in STAGES.items():
            for name in names:
                self._wrap(stage, name)

    def clear(self) -> None:
        """Forget what was measured so far."""
        self.wall.clear()
        self.cpu.clear()

    def _wrap(self, stage: str, name: str) -> None:
        module_name, _, path = name.partition(":")
        holder: Any = import_module(module_name)
        *owners, attribute = path.split(".")
        for owner in owners:
            holder = getattr(holder, owner)
        function = getattr(holder, attribute)
        timed = self._timed(stage, function)
        setattr(holder, attribute, timed)
        if not owners:
            for module in list(sys.modules.values()):
                if getattr(module, attribute, None) is function:
                    setattr(module, attribute, timed)

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            inner = [0.0, 0.0]
            self._open.append(inner)
            start, start_cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                cpu, wall = time.thread_time() - start_cpu, time.perf_counter() - start
                self._open.pop()
                self.wall[stage] += wall - inner[0]
                self.cpu[stage] += cpu - inner[1]
                if self._open:
                    self._open[-1][0] += wall
                    self._open[-1][1] += cpu

        return timed
