"""A customs system's client of CERTEX: zeep, the published WSDL, UsernameToken with digest, the office in front."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.certex.contract import CERTEX, CLEARANCE, PROCESSED
from gateway.certex.wire import read_clearance_response, read_processed_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.certex.models import ClearanceAnswer, ProcessedChedAnswer
    from gateway.sandbox.customs_instances import Office
    from gateway.sandbox.traces_client import Face

__all__ = ["CustomsClient", "Goods"]


@dataclass(frozen=True, slots=True)
class Goods:
    """One goods item of a declaration: how much of a line of the CHED."""

    quantity: str
    unit: str = "KGM"
    code: str = "02023090"
    item: int = 1
    line: int = 1


class CustomsClient:
    """The system of one customs office.

    Args:
        face: the services of the gateway that plays TRACES; of its own, where offices call at the same time.
        office: who asks.
        secret: of its account.
    """

    def __init__(self, face: Face, office: Office, secret: str) -> None:
        self.office = office
        self._face = face
        self._account = (office.account, secret)

    def operations(self) -> tuple[str, ...]:
        """Names of the published operations."""
        return self._face.operations(CERTEX)

    def read(self, reference: str) -> ProcessedChedAnswer:
        """The CHED and its ledger; nothing moves."""
        return self._processed(reference, {}, (), "0")

    def reserve(self, reference: str, mrn: str, goods: Sequence[Goods]) -> ProcessedChedAnswer:
        """Reserve for a declaration."""
        return self._processed(reference, {"MRN": mrn}, goods, "1")

    def clear(self, reference: str, mrn: str, *, released: bool) -> ClearanceAnswer:
        """Say what became of the goods of a declaration."""
        parameters = {
            "CompetentCustomsOffice": {"ReferenceNumber": self.office.number},
            "SendingDate": datetime.now(UTC),
            "CustomsDocumentReference": mrn,
            "ChedCertificateId": reference,
            "GoodsClearanceInformation": "01" if released else "02",
        }
        return read_clearance_response(self._call(CLEARANCE, parameters))

    def _processed(
        self, reference: str, declaration: dict[str, str], goods: Sequence[Goods], indication: str
    ) -> ProcessedChedAnswer:
        parameters = {
            "SendingDate": datetime.now(UTC),
            "ChedCertificateId": reference,
            "CustomsDeclarationReferenceNumber": declaration,
            "CompetentCustomsOffice": {"ReferenceNumber": self.office.number},
            "CommodityDescriptionForChed": [_described(each) for each in goods],
            "Language": "en",
            "QuantityManagementIndication": indication,
        }
        return read_processed_response(self._call(PROCESSED, parameters))

    def _call(self, operation: str, parameters: dict[str, Any]) -> Any:
        headers = {
            "webServiceClientId": self._account[0],
            "languageCode": "en",
            "customsOfficeReferenceNumber": self.office.number,
            "certexHeader": {"MessageId": secrets.token_hex(16), "UniqRequesterPrefix": self.office.number},
        }
        return self._face.call(
            CERTEX, operation, account=self._account, headers=headers, parameters=parameters, document=None
        )


def _described(goods: Goods) -> dict[str, Any]:
    return {
        "GoodsItemNumber": goods.item,
        "CertificateLineNumber": goods.line,
        "ClassCode": goods.code,
        "NetWeightQuantity": goods.quantity,
        "NetWeightUnitOfMeasure": goods.unit,
    }
