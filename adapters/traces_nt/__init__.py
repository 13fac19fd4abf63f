"""TRACES NT as a partner: the client of its public services, and what its refusals are."""

from adapters.traces_nt.calling import NOBODY, Caller
from adapters.traces_nt.client import Retrieved, TracesNtClient
from adapters.traces_nt.faults import TracesBroken, TracesForbidden, TracesRefused

__all__ = ["NOBODY", "Caller", "Retrieved", "TracesBroken", "TracesForbidden", "TracesNtClient", "TracesRefused"]
