"""A customs system that looks documents up without SOAP: nothing but Python's own library.

python examples/customs_lookups.py https://gateway.example customs secrets/customs.txt certificate PHYTO-77

and instead of the last two words: document N853 CHEDP.NL.2026.0000001, declaration MRN 26NL000396A0000001, or
ched CHEDP.NL.2026.0000001.
"""

import base64
import json
import sys
from decimal import Decimal
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

ADDRESSES = {
    "ched": "cheds/{}",
    "document": "documents/{}/{}",
    "certificate": "certificates/{}",
    "declaration": "declarations/{}/{}",
}


def ask(address, username, password, question, *parts):
    """The answer to one question; HTTPError carries a refusal as problem details."""
    path = ADDRESSES[question].format(*(quote(part, safe="") for part in parts))
    token = base64.b64encode(f"{username}:{password}".encode()).decode()
    request = Request(f"{address.rstrip('/')}/customs/v1/{path}", headers={"Authorization": f"Basic {token}"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def show(answer):
    """What an officer wants to know, line by line."""
    print("as of", answer["asOf"])
    for each in answer["certificates"]:
        print(f"certificate {each['issuerCountry']} {each['type']} {each['number']}: status {each['status']['code']}")
    for ched in answer["cheds"]:
        valid = "valid" if ched["valid"] else f"NOT valid: {ched['notValidBecause']}"
        print(f"{ched['reference']} ({', '.join(ched['because'])}): {valid}")
        for line in ched["lines"]:
            position = line.get("position")
            if position is None:
                print(f"  line {line['number']}: not in the ledger")
                continue
            used = Decimal(position["certified"]) - Decimal(position["available"])
            print(f"  line {line['number']}: {position['available']} {position['unit']} left, {used} taken or held")
    if answer["page"]["withheld"]:
        print(answer["page"]["withheld"], "more that this account may not see")
    if answer["page"]["more"]:
        print("more follow: ask with ?offset=")


def main(address, username, secret_file, question, *parts):
    """Ask and show, or say what was refused and whether it helps to ask again."""
    try:
        show(ask(address, username, Path(secret_file).read_text().strip(), question, *parts))
    except HTTPError as refused:
        problem = json.load(refused)
        print(f"{problem['code']} {problem['detail']}", problem.get("found", ""), f"(retry: {problem['retry']})")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
