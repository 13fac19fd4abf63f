"""What a contract may decide for itself: its limits, the HTTP status of its faults, further actions of an operation."""

import gc
from dataclasses import replace

import pytest
from soap_bench import REPLY, REQUEST, envelope

from gateway.errors import ExchangeRefused
from gateway.soap import SoapCall, SoapReply, SoapVersion
from gateway.xml.limits import DEFAULT_LIMITS, LIBXML2_TEXT
from gateway.xml.names import CX1, WSA, qn

pytestmark = pytest.mark.short


def test_a_contract_with_limits_of_its_own_is_held_to_them_and_not_to_the_applications(make_bench):
    message = envelope(REQUEST)
    small, large = (replace(DEFAULT_LIMITS, max_bytes=size) for size in (len(message) - 1, len(message)))
    assert make_bench(limits=small).send(message).fault["error"] == "IMG-1003"
    assert make_bench(limits=small, contract_options={"limits": large}).send(message).status == 200
    refused = make_bench(limits=large, contract_options={"limits": small}).send(message)
    assert (refused.status, refused.fault["error"]) == (413, "IMG-1003")


def test_a_text_beyond_libxml2s_limit_reaches_the_handler_where_the_contract_allows_it(make_bench):
    text = "m" * (LIBXML2_TEXT + 1)
    message = envelope(REQUEST.replace("m-1", text))
    allowed = replace(DEFAULT_LIMITS, large_text=frozenset({qn(CX1, "MessageID")}), max_large_text=len(text))
    bench = make_bench(contract_options={"limits": allowed})
    assert bench.send(message).status == 200
    assert bench.calls[0].body[0].text == text
    assert make_bench().send(message).fault["error"] == "IMG-1008"


@pytest.mark.parametrize("version", SoapVersion)
def test_a_contract_may_answer_an_error_with_another_http_status(make_bench, version):
    def refuse(_call):
        raise ExchangeRefused("IMG-7011")

    own = {"fault_status": lambda error: 403 if error.code == "IMG-7011" else None}
    bench = make_bench(handler=refuse, contract_options=own)
    served = bench.send(envelope(REQUEST, version=version), version=version)
    assert (served.status, served.fault["error"]) == (403, "IMG-7011")
    unknown = bench.send(envelope("<x/>", version=version), version=version)
    assert unknown.status == (500 if version is SoapVersion.SOAP11 else 400)


def test_an_operation_may_have_further_actions(bench):
    other = envelope(REQUEST, headers=f'<a:Action xmlns:a="{WSA}">{CX1}/Other</a:Action>')
    assert bench.send(other, HTTP_SOAPACTION=f'"{CX1}/GetCertificateStatus"').status == 200
    assert bench.send(envelope(REQUEST), HTTP_SOAPACTION=f'"{CX1}/Other"').status == 200
    assert bench.send(envelope(REQUEST), HTTP_SOAPACTION=f'"{CX1}/Another"').fault["error"] == "IMG-1106"


@pytest.mark.parametrize("refused", [False, True], ids=["reply", "fault"])
def test_nothing_of_a_call_waits_for_the_garbage_collector(make_bench, refused):
    """A call of 20 MB leaves 40 MB behind otherwise: the collector counts objects, not bytes."""
    message = envelope(REQUEST)

    def answer(_call):
        if refused:
            raise ExchangeRefused("IMG-7011")
        return SoapReply(REPLY)

    bench = make_bench(handler=answer)
    bench.send(message)
    bench.calls.clear()
    bench.faults.clear()
    gc.collect()
    before = calls_alive()
    gc.disable()
    try:
        bench.send(message)
        bench.calls.clear()
        bench.faults.clear()
        assert calls_alive() == before
    finally:
        gc.enable()


def calls_alive() -> int:
    """Those of other tests may be among them."""
    return sum(isinstance(kept, SoapCall) for kept in gc.get_objects())
