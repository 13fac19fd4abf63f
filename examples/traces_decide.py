"""A border control post's system decides a CHED (Part II), as traces_client.py submits one: zeep and nothing else.

python examples/traces_decide.py http://127.0.0.1:8080 account secret.txt AUNL0001 CHEDPP.NL.2026.0000001

Every check was made and is satisfactory; the conclusion is "acceptable for internal market" unless a sixth argument
says another one. The gateway transmits it under its seal, TRACES counter-seals it.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree
from traces_client import CHED, RAM, SPS, SUBMISSION, Traces, refused, told
from zeep.exceptions import Error, Fault

UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:21"
CHECKS = {
    "DOCUMENTARY_CHECK": "YES",
    "DOCUMENTARY_CHECK_RESULT": "SATISFACTORY",
    "IDENTITY_CHECK": "YES",
    "IDENTITY_CHECK_TYPE": "FULL_CHECK",
    "IDENTITY_CHECK_RESULT": "SATISFACTORY",
    "PHYSICAL_CHECK": "YES",
    "PHYSICAL_CHECK_RESULT": "SATISFACTORY",
    "LABORATORY_TESTS": "NO",
}


def add(parent, name, text=None, **attributes):
    """One element below another."""
    element = etree.SubElement(parent, f"{{{RAM}}}{name}", attributes)
    element.text = text
    return element


def part_two(conclusion, officer):
    """Boxes II.3 to II.21 as TRACES has them: an authentication of type 1 with a clause for each."""
    part = etree.Element(f"{{{RAM}}}SignatorySPSAuthentication")
    add(part, "TypeCode", "1")
    moment = etree.SubElement(add(part, "ActualDateTime"), f"{{{UDT}}}DateTime")
    moment.text = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000+00:00"
    add(add(part, "ProviderSPSParty"), "Name", officer)
    for name, content in {"DECISION_CONCLUSION": conclusion, **CHECKS}.items():
        clause = add(part, "IncludedSPSClause")
        add(clause, "ID", name, schemeID="ched_decision_clause")
        add(clause, "Content", content)
    return part


def read(traces, reference):
    """The CHED as it came: what zeep makes of it would have to be made into XML again."""
    client = traces.client(CHED)
    with client.settings(raw_response=True):
        reply = traces.call(CHED, "getChedCertificate", ID=reference)
    root = etree.fromstring(reply.content)
    found = root.find(f".//{{{SPS}}}SPSCertificate")
    if found is None:
        raise ValueError(root.findtext(".//faultstring") or "no CHED in the reply")
    return found


def main(base, username, secret_file, body, reference, conclusion="ACCEPTABLE_FOR_INTERNAL_MARKET"):
    """Read, add Part II, submit."""
    try:
        traces = Traces(base, username, Path(secret_file).read_text().strip(), "authority", body)
        root = read(traces, reference)
        first = root.find(f".//{{{RAM}}}SignatorySPSAuthentication")
        first.addnext(part_two(conclusion, "Officer Invented"))
        typed = traces.typed(SUBMISSION, root)
        told(traces.call(SUBMISSION, "createAndSubmitDecisionAsInProgress", SPSCertificate=typed))
    except Fault as fault:
        refused(fault)
        return 1
    except (Error, OSError, ValueError) as error:
        print("not sent:", error)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in {6, 7}:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
