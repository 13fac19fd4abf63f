"""A customs system that knows the published description alone, by zeep over HTTP: read, reserve, release, a fault."""

from __future__ import annotations

import secrets
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
import zeep
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

sys.path.insert(0, str(Path(__file__).parent))

from certex_harness import CLIENT, PATH, SECRET, CertexWorld

OFFICE = "XI000002"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Token(UsernameToken):
    """zeep's, with a Timestamp of its call."""

    def apply(self, envelope, headers):
        now = datetime.now(UTC)
        self.timestamp_token = WSU.Timestamp(
            WSU.Created(now.isoformat()), WSU.Expires((now + timedelta(seconds=120)).isoformat())
        )
        return super().apply(envelope, headers)


class Zeep:
    def __init__(self, address):
        session = requests.Session()
        session.trust_env = False
        transport = Transport(session=session, operation_timeout=30)
        wsse = Token("customs-xi", SECRET, use_digest=True)
        self.client = zeep.Client(f"{address}{PATH}?wsdl", transport=transport, wsse=wsse)

    def __call__(self, operation, *, message_id="", **parameters):
        headers = {
            "webServiceClientId": CLIENT,
            "languageCode": "en",
            "customsOfficeReferenceNumber": OFFICE,
            "certexHeader": {"MessageId": message_id or secrets.token_hex(16), "UniqRequesterPrefix": OFFICE},
        }
        values = {
            "SendingDate": datetime.now(UTC),
            "CompetentCustomsOffice": {"ReferenceNumber": OFFICE},
            **parameters,
        }
        return self.client.service[operation](**values, _soapheaders=headers)

    def processed(self, reference, mrn="", goods=(), **more):
        return self(
            "processedChedRequest",
            ChedCertificateId=reference,
            CustomsDeclarationReferenceNumber={"MRN": mrn} if mrn else {},
            CommodityDescriptionForChed=list(goods),
            Language="en",
            QuantityManagementIndication="1" if mrn else "0",
            **more,
        )

    def release(self, reference, mrn, **more):
        return self(
            "chedClearanceRequest",
            CustomsDocumentReference=mrn,
            ChedCertificateId=reference,
            GoodsClearanceInformation="01",
            **more,
        )


@pytest.fixture
def world(tmp_path, sqlite_url, seal_files):
    made = CertexWorld(tmp_path, sqlite_url, now=datetime.now(UTC), seal=seal_files)
    yield made
    made.close()


@pytest.fixture
def caller(world):
    with make_server("127.0.0.1", 0, world.application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Zeep(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def goods(quantity, unit="KGM"):
    return {"GoodsItemNumber": 1, "CertificateLineNumber": 1, "ClassCode": "040100", "NetWeightQuantity": quantity,
            "NetWeightUnitOfMeasure": unit}  # fmt: skip


def body_of(answer):
    return getattr(answer, "body", None) or answer


def quantities(answer, name):
    """(quantity, unit); of an allocation the contract lets a quantity have an attribute."""
    documents = [each.SwSupportingDocument for each in body_of(answer).QuantityManagementSummary[name]]
    return [(str(getattr(each.Quantity, "_value_1", each.Quantity)), each.UnitOfMeasure) for each in documents]


def test_read_reserve_refused_and_release(world, caller):
    ched = world.ched()
    first = caller.processed(ched)
    assert quantities(first, "AvailableQuantity") == [("1000", "KGM")]
    assert body_of(first).ChedCertificate is not None

    reserved = caller.processed(ched, "26XIZEEP000000001", [goods("0.5", "TNE")])
    assert body_of(reserved).ReservationResult is True
    assert quantities(reserved, "ReservedQuantity") == [("0.5", "TNE")]
    assert quantities(reserved, "AvailableQuantity") == [("500", "KGM")]

    refused = body_of(caller.processed(ched, "26XIZEEP000000002", [goods("500.001")]))
    assert (refused.ReservationResult, refused.ReservationFailureReason) == (False, "05")
    assert refused.ReservationFailureConsignmentItem.DocumentLineItemNumber == 1

    world.now = datetime.now(UTC)
    assert body_of(caller.release(ched, "26XIZEEP000000001")).QuantityManagementOutcome == "01"
    assert quantities(caller.processed(ched), "ConsumedQuantity") == [("0.5", "TNE")]


def test_an_unknown_ched_is_an_answer_without_certificate(caller):
    answer = body_of(caller.processed("CHEDP.XI.2026.9999999"))
    assert (answer.OperationCode, answer.ChedCertificate, answer.QuantityManagementSummary) == (0, None, None)


def test_a_fault_names_the_message(world, caller):
    ched = world.ched()
    with pytest.raises(zeep.exceptions.Fault) as raised:
        caller.processed(ched, "26XIZEEP000000001", message_id="zeep-1")
    (detail,) = raised.value.detail
    texts = {each.tag.rpartition("}")[2]: each.text for each in detail}
    assert detail.tag.endswith("}ProcessedChedRequestFault")
    assert (texts["MessageId"], texts["UniqPrefix"]) == ("zeep-1", OFFICE)
    assert texts["errorMessage"].startswith("IMG-7401")
