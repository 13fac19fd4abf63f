"""A customs system's client of CERTEX: zeep, the published WSDL, an account. None of the gateway's code.

python examples/customs_client.py http://127.0.0.1:8080 account secret.txt NL000396 CHEDP.NL.2026.0000001 read
python examples/customs_client.py … reserve 26NLTESTMRN0000001 1 1 040100 250.5 KGM
python examples/customs_client.py … release 26NLTESTMRN0000001
python examples/customs_client.py … cancel 26NLTESTMRN0000001

It reads a CHED and its ledger for the customs office named; reserves for a declaration (goods item, line of the CHED,
code, net weight, unit); and says at the end what became of the goods: released, or not. The base URL alone decides
whether TRACES or a gateway answers. A reservation whose reply is lost is not sent again: read what stands instead.
"""

import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import zeep
from requests.exceptions import RequestException
from zeep.exceptions import Error, Fault
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

BASE = "http://ec.europa.eu/sanco/tracesnt/customs_certex/base/v03"
REASONS = {
    "03": "the code is not that of the line",
    "04": "the CHED is not in a status for this",
    "05": "not enough is left; what the declaration held before is gone",
    "06": "the declaration has been written off here",
    "07": "the CHED has no such line",
    "10": "the unit is not one of the line's",
    "11": "the quantity cannot be judged",
}
OUTCOMES = {
    "01": "done",
    "02": "nothing was held",
    "03": "written off before",
    "04": "done, and the CHED is no longer valid",
}


class Customs:
    """CustomsCertexChedService V06 below one base URL, for one account and one customs office."""

    def __init__(self, base, username, password, office):
        url = f"{base.rstrip('/')}/tracesnt/ws/CustomsCertexChedServiceV06?wsdl"
        self.client = zeep.Client(url, transport=zeep.Transport(operation_timeout=60))
        self.account = (username, password)
        self.office = office

    def call(self, operation, **parameters):
        """One call with an id of its own; its Timestamp is good for two minutes."""
        now = datetime.now(UTC)
        stamp = WSU.Timestamp(WSU.Created(f"{now:%Y-%m-%dT%H:%M:%SZ}"))
        stamp.append(WSU.Expires(f"{now + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"))
        self.client.wsse = UsernameToken(*self.account, use_digest=True, timestamp_token=stamp)
        headers = {
            "webServiceClientId": self.account[0],
            "languageCode": "en",
            "customsOfficeReferenceNumber": self.office,
            "certexHeader": {"MessageId": uuid.uuid4().hex, "UniqRequesterPrefix": self.office},
        }
        common = {"SendingDate": now, "CompetentCustomsOffice": {"ReferenceNumber": self.office}}
        return self.client.service[operation](**common, **parameters, _soapheaders=headers).body

    def ask(self, ched, declaration, goods=(), *, reserve=False):
        """Read, or reserve: one digit between the two."""
        return self.call(
            "processedChedRequest",
            ChedCertificateId=ched,
            CustomsDeclarationReferenceNumber=declaration,
            CommodityDescriptionForChed=list(goods),
            Language="en",
            QuantityManagementIndication=int(reserve),
        )

    def read(self, ched):
        """The CHED with its ledger; the element of the declaration must be there, and is empty."""
        return self.ask(ched, {})

    def reserve(self, ched, mrn, item, line, code, quantity, unit):
        """Hold a quantity; whatever the declaration held of the CHED before, this takes its place."""
        goods = {
            "GoodsItemNumber": item,
            "CertificateLineNumber": line,
            "ClassCode": code,
            "NetWeightQuantity": quantity,
            "NetWeightUnitOfMeasure": unit,
        }
        return self.ask(ched, {"MRN": mrn}, [goods], reserve=True)

    def clear(self, ched, mrn, released):
        """What became of the goods."""
        information = "01" if released else "02"
        return self.call(
            "chedClearanceRequest",
            CustomsDocumentReference=mrn,
            ChedCertificateId=ched,
            GoodsClearanceInformation=information,
        )


def shown(answer):
    """What stands. A CHED that is not known is an answer too, and an empty one: that is no leave to release goods."""
    if answer.ChedCertificate is None or answer.QuantityManagementSummary is None:
        print("no such CHED")
        return 1
    document = answer.ChedCertificate.SPSCertificate.SPSExchangedDocument
    print(f"status {document.StatusCode[0]['_value_1']}")
    ledger = answer.QuantityManagementSummary
    for each in ledger.AvailableQuantity:
        print("available", *goods(each), each.CommodityCode.HarmonizedSystemSubheadingcode)
    for word, entries in (("reserved", ledger.ReservedQuantity), ("consumed", ledger.ConsumedQuantity)):
        for each in entries:
            declaration = f"MRN {each.MRN}" if each.MRN else f"LRN {each.LRN}"
            print(word, *goods(each), f"{declaration}, item {each.GoodsItemNumber}, {each.EventDateTime.isoformat()}")
    return 0


def goods(entry):
    """Line, quantity and unit."""
    document = entry.SwSupportingDocument
    quantity = document.Quantity
    quantity = quantity["_value_1"] if hasattr(quantity, "__values__") else quantity
    return f"line {document.CertificateLineNumber}:", f"{quantity:f}", document.UnitOfMeasure


def judged(answer):
    """The answer to a reservation: a refusal is no fault, and has the ledger with it."""
    found = shown(answer)
    if answer.ReservationResult:
        print("RESERVED")
        return 0
    if found == 0:
        item = answer.ReservationFailureConsignmentItem
        place = f", goods item {item.GoodsItemNumber}" if item is not None else ""
        reason = answer.ReservationFailureReason
        print(f"REFUSED {reason}: {REASONS.get(reason, 'see the contract')}{place}")
    return 1


def cleared(answer):
    """The outcome of a clearance."""
    code = answer.QuantityManagementOutcome
    print(f"OUTCOME {code}: {OUTCOMES.get(code, 'see the contract')}")
    return 0 if code in {"01", "04"} else 1


def refused(fault):
    """A fault says what is wrong in one text; UnauthenticatedException and breaches of the schema have none."""
    told = fault.detail.findtext(f".//{{{BASE}}}errorMessage") if fault.detail is not None else None
    print("refused:", told or fault.message)


ACTIONS = {
    "read": lambda customs, ched: shown(customs.read(ched)),
    "reserve": lambda customs, ched, *goods: judged(customs.reserve(ched, *goods)),
    "release": lambda customs, ched, mrn: cleared(customs.clear(ched, mrn, released=True)),
    "cancel": lambda customs, ched, mrn: cleared(customs.clear(ched, mrn, released=False)),
}


def main(base, username, secret_file, office, ched, action, *more):
    """One question or one message."""
    if action not in ACTIONS:
        print(f"not sent: {action} is none of {', '.join(ACTIONS)}")
        return 1
    act = ACTIONS[action]
    try:
        customs = Customs(base, username, Path(secret_file).read_text().strip(), office)
    except (Error, OSError) as error:  # a file, the network
        print("not sent:", error)
        return 1
    try:
        return act(customs, ched, *more)
    except Fault as fault:
        refused(fault)
    except (Error, TypeError) as error:  # an argument
        print("not sent:", error)
    except RequestException as error:  # it may have arrived: never send it again unread
        print("no reply, so what it did is not known; read the CHED:", error)
        return 2
    return 1


if __name__ == "__main__":
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
