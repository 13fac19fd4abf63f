"""``make_bench`` and ``bench``: the SOAP application over a small contract. The helpers are in soap_bench.py."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique

from soap_bench import NOW, PATH, REPLY, Bench

from gateway.errors import ExchangeRefused
from gateway.soap import Contract, Operation, SoapCall, SoapReply, SoapVersion
from gateway.soap.peer import ProxyPolicy
from gateway.soap.server import SoapApplication
from gateway.xml.names import CX1, qn

OTHER = frozenset({f"{CX1}/Other"})


@pytest.fixture
def make_bench():
    """``make_bench(handler=..., proxies=..., **options of SoapApplication)``."""

    def make(
        *,
        handler=None,
        proxies=(),
        versions=frozenset(SoapVersion),
        known_headers=frozenset(),
        contract_options=None,
        **options,
    ) -> Bench:
        bench = Bench()

        def answer(call: SoapCall) -> SoapReply:
            bench.calls.append(call)
            return SoapReply(REPLY) if handler is None else handler(call)

        def refuse(_call: SoapCall) -> SoapReply:
            raise ExchangeRefused("IMG-9001", where="somewhere")

        operations = (
            Operation(
                "GetCertificateStatus",
                qn(CX1, "GetCertificateStatusRequest"),
                f"{CX1}/GetCertificateStatus",
                answer,
                OTHER,
            ),
            Operation("GetEvidence", qn(CX1, "GetEvidenceRequest"), f"{CX1}/GetEvidence", refuse),
        )
        contract = Contract(
            "CertificateExchange",
            PATH,
            "CertificateExchange.wsdl",
            operations,
            versions,
            lambda error: f'<Detail xmlns="urn:test">{error.code}</Detail>'.encode(),
            known_headers,
            **(contract_options or {}),
        )
        bench.application = SoapApplication(
            [contract],
            proxies=ProxyPolicy.of(proxies),
            clock=lambda: NOW,
            on_fault=lambda error, call: bench.faults.append((error.code, call)),
            **options,
        )
        return bench

    return make


@pytest.fixture
def bench(make_bench):
    return make_bench()
