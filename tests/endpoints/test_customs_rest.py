"""The two faces of the lookups of customs: the read API over HTTP, CustomsLookup over SOAP; what they mean is tested in
tests/single_window/test_lookups.py."""

from __future__ import annotations

import hmac
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique
sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))
sys.path.insert(0, str(Path(__file__).parents[1] / "single_window"))

from certex_harness import LRN, MRN, NOW, PARTNERS, SECRET, CertexWorld, Goods, line, partner_records
from customs_callers import PREFIX, Reply, Served, basic, description, environ_of, hand
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lookup_harness import certificate, cited, fresh
from openapi_spec_validator import validate

from gateway.app import build_application
from gateway.config import InstanceSettings, StoreSettings
from gateway.endpoints import customs_rest
from gateway.endpoints.customs_writing import ONE_OF
from gateway.errors import Unavailable
from gateway.exchange import admission
from gateway.sandbox.pki import Authority
from gateway.single_window.lookups import OPERATIONS
from gateway.soap.peer import OWN_CERTIFICATE
from gateway.store import find_audit, find_evidence
from gateway.trust import certificate_fingerprint
from gateway.xml.names import LOOKUP1
from gateway.xml.schema_files import schema_tree

UNKNOWN = "CHEDP.XI.2026.9999999"
AUTHORITY = Authority("Customs", now=NOW, country="XI")
OWN, OTHERS = AUTHORITY.tls_client("customs-xi"), AUTHORITY.tls_client("customs-fr")


def records(folder):
    for record in partner_records(folder):
        account = dict(record["authentication"])
        if record["id"] == "customs-xi":
            account["client_certificates"] = [certificate_fingerprint(OWN.certificate_der)]
        if record["id"] == "customs-fr":
            account["client_certificates"] = [certificate_fingerprint(OTHERS.certificate_der)]
        yield {**record, "authentication": account}
    secret = f"file:{folder / 'secret.txt'}"
    for name, changes in {
        "without-grant": {"contracts": ["customs-certex-ched"]},
        "one-question": {"operations": ["GetChed"]},
        "uk": {"code_system": "uk-customs", "customs": {"offices": ["GB*"], "countries": ["GB", "XI"]}},
        "italy": {"code_system": "italy-adm"},
        "germany": {"code_system": "germany-atlas"},
    }.items():
        yield {
            "id": name,
            "name": "invented",
            "kind": "customs",
            "country": "XI",
            "contracts": ["customs-lookup"],
            "authentication": {"username": name, "secret": secret},
            "customs": PARTNERS["customs-xi"],
            **changes,
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory, _sqlite_template):
    folder = tmp_path_factory.mktemp("lookups")
    url = f"sqlite:///{shutil.copy(_sqlite_template, folder / 'lookups.db')}"
    made = CertexWorld(folder, url, records=list(records(folder)))
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(world):
    made = Served(world)
    yield made
    made.close()


@pytest.fixture(scope="module")
def known(world):
    """A CHED-P with holds, a CHED-PP with a certificate, and who asks about them."""
    number, mrn = "ZA/851/2026 17", fresh("26XI").replace("-", "")
    certificate(world, number)
    world.later(seconds=1)
    certificate(world, "ZA-NEW", replaces=number)
    goods = world.ched(line(), line(2, "0102", pieces="7"), documents=(cited(number),))
    plants = world.ched(line(weight="0.5"), type_="PP", documents=(cited(number), cited("other")))
    caller = world.caller()
    caller.reserve(goods, MRN(mrn), Goods("0.002", "TNE"))
    world.later(seconds=1)
    caller.release(goods, mrn)
    world.later(seconds=1)
    caller.reserve(plants, MRN(mrn), Goods("0.25"))
    caller.reserve(goods, LRN(mrn), Goods("3", "H87", "0102", "2", "2", volume=True))
    abroad = world.ched(country="FR", documents=(cited(number),))
    return {"goods": goods, "plants": plants, "number": number, "mrn": mrn, "abroad": abroad}


SAME = {
    "a CHED": ("/cheds/{goods}", "GetChed", {"Reference": "{goods}"}),
    "a CHED without entries": ("/cheds/{plants}", "GetChed", {"Reference": "{plants}"}),
    "a code and a CHED": ("/documents/N853/{goods}", "FindByCustomsDocument", {"Code": "N853", "Number": "{goods}"}),
    "a code and a certificate": (
        "/documents/N851/{number}",
        "FindByCustomsDocument",
        {"Code": "N851", "Number": "{number}"},
    ),
    "a certificate": ("/certificates/{number}", "FindByCertificate", {"Number": "{number}"}),
    "one issuer and type": (
        "/certificates/{number}?country=ZA&type=851",
        "FindByCertificate",
        {"Number": "{number}", "Country": "ZA", "Type": "851"},
    ),
    "a page": ("/certificates/{number}?limit=1&offset=1", "FindByCertificate",
               {"Number": "{number}", "limit": 1, "offset": 1}),
    "nothing": ("/certificates/nothing", "FindByCertificate", {"Number": "nothing"}),
    "an MRN": ("/declarations/MRN/{mrn}", "FindByDeclaration", {"Type": "MRN", "Number": "{mrn}"}),
    "an LRN": ("/declarations/LRN/{mrn}", "FindByDeclaration", {"Type": "LRN", "Number": "{mrn}"}),
}  # fmt: skip


def filled(path, parameters, known):
    """A question of both faces with its values: percent-encoded in the path, as they are in the message."""
    parts = {name: quote(value, safe="") for name, value in known.items()}
    return path.format(**parts), {
        name: value.format(**known) if isinstance(value, str) else value for name, value in parameters.items()
    }


@pytest.mark.parametrize("by", ["customs-xi", "uk"])
@pytest.mark.parametrize("case", SAME)
def test_both_faces_give_one_answer(served, known, case, by):
    path, operation, parameters = SAME[case]
    path, parameters = filled(path, parameters, known)
    if by == "uk" and case == "a code and a CHED":
        path, parameters["Code"] = path.replace("N853", "C673"), "C673"
    answer = served.asked(path, by=by)
    assert answer.status == 200
    assert answer.json == served.soap(operation, by=by, **parameters)


REFUSED = {
    "no such CHED": (f"/cheds/{UNKNOWN}", "GetChed", {"Reference": UNKNOWN}, 404, "IMG-7201", {}),
    "a CHED of other countries": ("/cheds/{abroad}", "GetChed", {"Reference": "{abroad}"}, 403, "IMG-2110", {}),
    "another type": (
        "/documents/C640/{goods}", "FindByCustomsDocument", {"Code": "C640", "Number": "{goods}"}, 409, "IMG-7408", {},
    ),
    "an unknown code": (
        "/documents/Q999/1", "FindByCustomsDocument", {"Code": "Q999", "Number": "1"}, 404, "IMG-7420", {},
    ),
    "an exemption": (
        "/documents/Y058/1", "FindByCustomsDocument", {"Code": "Y058", "Number": "1"}, 404, "IMG-7421", {},
    ),
    "an exemption of Italy": (
        "/documents/07YY/1", "FindByCustomsDocument", {"Code": "07YY", "Number": "1"}, 404, "IMG-7421", {"by": "italy"},
    ),
    "an unconfirmed code": (
        "/documents/3LNA/1", "FindByCustomsDocument", {"Code": "3LNA", "Number": "1"}, 404, "IMG-6004",
        {"by": "germany"},
    ),
    "a space at the end": ("/certificates/x%20", "FindByCertificate", {"Number": "x "}, 400, "IMG-7422", {}),
    "no grant": (
        "/cheds/{goods}", "GetChed", {"Reference": "{goods}"}, 403, "IMG-2101", {"by": "without-grant"},
    ),
    "no grant for this question": (
        "/declarations/MRN/1", "FindByDeclaration", {"Type": "MRN", "Number": "1"}, 403, "IMG-2101",
        {"by": "one-question"},
    ),
    "no customs system": ("/cheds/{goods}", "GetChed", {"Reference": "{goods}"}, 403, "IMG-2113", {"by": "no-offices"}),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_both_faces_refuse_alike(served, known, case):
    path, operation, parameters, status, code, options = REFUSED[case]
    path, parameters = filled(path, parameters, known)
    answer = served.asked(path, **options)
    assert (answer.status, answer.code) == (status, code)
    assert answer.json["type"] == f"urn:imsoc:gateway:error:{code}"
    assert answer.json["exchange"]
    assert served.soap_code(operation, **options, **parameters) == code


class TestDescription:
    def test_it_is_openapi(self):
        assert description()["openapi"].startswith("3.1.")
        validate(description())

    def test_it_is_there_for_everybody(self, served):
        answer = served.get("/openapi.json", by=None)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.json == description()

    def test_every_element_of_soap_is_a_property_of_json(self):
        """The two descriptions are written by hand: they name the same, and ask for the same."""
        types = {
            each.get("name").removesuffix("Type"): each
            for each in schema_tree("CustomsLookup_1.xsd").iterfind("{*}complexType")
        }
        schemas = description()["components"]["schemas"]
        many = {one: several for several, one in ONE_OF.items()}
        compared = set()
        for name, schema in schemas.items():
            if name not in types:
                continue
            compared.add(name)
            named = {}
            for each in types[name].iterfind("{*}sequence/{*}element"):
                several = many.get(each.get("name")) if each.get("maxOccurs") else None
                camel = each.get("name")[0].lower() + each.get("name")[1:]
                if several:
                    head, *rest = several.split("_")
                    camel = head + "".join(map(str.capitalize, rest))
                named[camel] = each.get("minOccurs") != "0" or several is not None
            assert set(named) == set(schema["properties"])
            assert {each for each, needed in named.items() if needed} == set(schema["required"])
        assert compared == {"Answer", "Question", "Certificate", "Version", "Ched", "Line", "Position", "Allocation",
                            "CustomsDocument", "Citation", "Page", "NamedCode"}  # fmt: skip

    def test_the_namespace_is_the_contracts(self):
        assert schema_tree("CustomsLookup_1.xsd").get("targetNamespace") == LOOKUP1


class TestAnswers:
    def test_quantities_are_texts(self, served, known):
        def numbers(value):
            if isinstance(value, dict):
                return {name for name, inner in value.items() if isinstance(inner, float)}.union(
                    *(numbers(inner) for inner in value.values())
                )
            return set().union(*map(numbers, value)) if isinstance(value, list) else set()

        answer = served.asked(f"/cheds/{known['goods']}")
        assert numbers(answer.json) == set()
        (ched,) = answer.json["cheds"]
        assert ched["lines"][0]["position"] == {
            "unit": "KGM", "certified": "1000", "available": "998", "reserved": "0", "consumed": "2", "carried": "0",
        }  # fmt: skip
        assert [each["quantity"] for each in ched["allocations"]] == ["0.002", "3"]

    def test_it_says_when_and_times_have_their_offset(self, served, world, known):
        answer = served.asked(f"/cheds/{known['goods']}").json
        assert answer["asOf"] == f"{world.now:%Y-%m-%dT%H:%M:%S}.000Z"
        assert answer["cheds"][0]["ledgerVersion"] == 4
        assert all(each["eventAt"].endswith("Z") for each in answer["cheds"][0]["allocations"])

    def test_a_slash_in_a_number_may_be_encoded_or_not(self, served, known):
        encoded = quote(known["number"], safe="")
        assert "%2F" in encoded
        one = served.asked(f"/certificates/{encoded}").json
        assert one == served.asked(f"/certificates/{quote(known['number'])}").json
        assert one["certificates"][0]["number"] == known["number"]

    def test_head_is_get_without_its_body(self, served, known):
        path = f"/cheds/{known['goods']}"
        whole, head = served.get(path), served.get(path, method="HEAD")
        assert (head.status, head.raw) == (200, b"")
        kept = ("Content-Type", "Content-Length", "Cache-Control")
        assert {name: head.headers[name] for name in kept} == {name: whole.headers[name] for name in kept}

    def test_no_page_of_another_origin_is_let_in(self, served, known):
        answer = served.get(f"/cheds/{known['goods']}", headers={"Origin": "https://elsewhere.invalid"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        options = served.get(f"/cheds/{known['goods']}", method="OPTIONS")
        assert (options.status, options.headers["Allow"]) == (405, "GET, HEAD")


WRONG = [
    ("/cheds/", 400, "path"),
    ("/cheds/a//b", 400, "path"),
    ("/cheds/..", 400, "path"),
    ("/certificates/./x", 400, "path"),
    ("/certificates/%252F", 400, "path"),
    ("/certificates/%zz", 400, "path"),
    ("/certificates/%ff", 400, "path"),
    ("/certificates/%00", 400, "number"),
    ("/certificates/" + "x" * 129, 400, "number"),
    ("/cheds/%0a", 400, "reference"),
    ("/cheds/x?limit=1", 400, "query"),
    ("/documents/N%20853/1", 400, "code"),
    ("/documents/" + "N" * 33 + "/1", 400, "code"),
    ("/documents/N853/%20", 400, "number"),
    ("/documents/N851/1?country=ZA", 400, "query"),
    ("/certificates/1?country=ZAF", 400, "country"),
    ("/certificates/1?country=%5a%41%46", 400, "country"),
    ("/certificates/1?type=8-51", 400, "type"),
    ("/certificates/1?type=%ff", 400, "type"),
    ("/certificates/1?type=%8", 400, "type"),
    ("/certificates/1?limit=0", 400, "limit"),
    ("/certificates/1?limit=101", 400, "limit"),
    ("/certificates/1?limit=1e1", 400, "limit"),
    ("/certificates/1?limit=", 400, "limit"),
    ("/certificates/1?limit=-1", 400, "limit"),
    ("/certificates/1?offset=10001", 400, "offset"),
    ("/certificates/1?offset=123456", 400, "offset"),
    ("/certificates/1?limit=1&limit=2", 400, "query"),
    ("/certificates/1?number=2", 400, "query"),
    ("/certificates/1?limit", 400, "query"),
    ("/certificates/1?&", 400, "query"),
    ("/declarations/mrn/1", 400, "type"),
    ("/declarations/XRN/1", 400, "type"),
    ("/declarations/MRN/%09", 400, "number"),
]


class TestWrongQuestions:
    @pytest.mark.parametrize(("path", "status", "where"), WRONG, ids=lambda value: str(value)[:40])
    def test_each_part_of_an_address(self, served, path, status, where):
        answer = served.asked(path)
        assert (answer.status, answer.code, answer.json["where"]) == (status, "IMG-7422", where)

    @pytest.mark.parametrize("path", ["/", "/ched/x", "/cheds", "/documents/N853", "/declarations/MRN", "/CHEDS/x"])
    def test_there_is_nothing_else(self, served, path):
        answer = served.asked(path)
        assert (answer.status, answer.code) == (404, "IMG-7423")

    def test_another_version_is_answered_in_the_form_of_this_one(self, world):
        answer = hand(world.application, environ_of("/customs/v2/cheds/x"))
        assert (answer.status, answer.code) == (404, "IMG-7423")
        assert "/customs/v1/cheds/" in answer.json["expected"]

    def test_an_address_without_parameters_says_that_it_takes_none(self, served):
        assert served.asked("/cheds/x?foo=1").json["expected"] == "no query"

    def test_what_to_do_speaks_of_this_api(self, served, world, known):
        stranger = hand(world.application, environ_of(f"{PREFIX}/cheds/x", by=None, HTTP_AUTHORIZATION=basic("nobody")))
        assert (stranger.code, "HTTP Basic" in stranger.json["whatToDo"]) == ("IMG-2001", True)
        elsewhere = served.asked(f"/cheds/{known['abroad']}")
        assert (elsewhere.code, elsewhere.json["where"]) == ("IMG-2110", "reference")
        assert "BodyIdentity" not in elsewhere.json["whatToDo"]

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
    def test_nothing_can_be_written(self, served, known, method):
        answer = served.asked(f"/cheds/{known['goods']}", method=method)
        assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "IMG-7423", "GET, HEAD")

    @pytest.mark.parametrize(
        "accept", ["application/xml", "text/html, text/plain", "application/json;q=0", "*/*;q=0.000"]
    )
    def test_who_takes_no_json(self, served, known, accept):
        answer = served.asked(f"/cheds/{known['goods']}", headers={"Accept": accept})
        assert (answer.status, answer.code) == (406, "IMG-7422")

    @pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, application/json;q=0.1", "APPLICATION/JSON",
                                        "application/problem+json", ""])  # fmt: skip
    def test_who_takes_json(self, served, known, accept):
        assert served.asked(f"/cheds/{known['goods']}", headers={"Accept": accept}).status == 200

    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("/cheds/" + "x" * 1000, "1018 bytes of path"),
            ("/certificates/1?type=" + "8" * 1000, "1005 bytes of query"),
        ],
    )
    def test_an_address_without_end(self, served, path, found):
        answer = served.asked(path)
        assert (answer.status, answer.code) == (414, "IMG-7422")
        assert json.loads(answer.raw)["found"] == found
        assert len(answer.raw) < 1_000

    @pytest.mark.parametrize(
        ("operation", "parameters"),
        [
            ("GetChed", {"Reference": "x" * 129}),
            ("FindByCustomsDocument", {"Code": "N 853", "Number": "1"}),
            ("FindByCertificate", {"Number": "1", "Country": "za"}),
            ("FindByCertificate", {"Number": "1", "Type": "8-51"}),
            ("FindByCertificate", {"Number": "1", "limit": 101}),
            ("FindByCertificate", {"Number": "1", "offset": -1}),
            ("FindByDeclaration", {"Type": "XRN", "Number": "1"}),
        ],
    )
    def test_the_schema_of_soap_says_the_same(self, served, operation, parameters):
        assert served.soap_code(operation, **parameters) == "IMG-3001"


steps = st.sampled_from(["cheds", "documents", "certificates", "declarations", "MRN", "N853", "Y058", "", "..", "%2F"])
words = st.one_of(steps, st.text(st.characters(max_codepoint=255), max_size=20))
asked = st.one_of(st.sampled_from(["limit=1", "offset=0", "country=ZA", "type=%zz", "&", "="]), st.text(max_size=10))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.lists(words, max_size=4), query=st.lists(asked, max_size=3), method=st.sampled_from(["GET", "HEAD"]))
def test_whatever_is_asked_is_answered_as_described(world, path, query, method):
    path = f"{PREFIX}/{'/'.join(path)}"
    answer = hand(world.application, environ_of(path, query="&".join(query), method=method))
    assert answer.status < 500
    if method == "GET" and path != customs_rest.OPENAPI:
        answer.described(path)


class TestIdentity:
    PATH = f"{PREFIX}/cheds/{UNKNOWN}"

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "Basic",
            "Basic !!!",
            "Basic " + "QQ==",
            "Basic " + "/w==",
            "Bearer " + "x" * 20,
            "Basic " + "QTpB" * 400,
            basic("nobody"),
            basic("customs-xi", "wrong"),
            basic("customs-xi", ""),
            basic("", SECRET),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_strangers_are_all_asked_the_same(self, world, header):
        answer = hand(world.application, environ_of(self.PATH, by=None, HTTP_AUTHORIZATION=header)).described(self.PATH)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="imsoc", charset="UTF-8"')
        assert answer.code in {"IMG-2001", "IMG-2005"}
        assert "exchange" not in answer.json

    def test_an_unknown_name_is_answered_as_a_wrong_secret(self, world):
        answers = [
            hand(world.application, environ_of(self.PATH, by=None, HTTP_AUTHORIZATION=basic(*account)))
            for account in (("nobody", SECRET), ("customs-xi", "wrong"))
        ]
        assert answers[0] == answers[1]

    def test_an_unknown_name_costs_the_same_comparison(self, world, monkeypatch):
        compared = []

        def compare(one, other):
            compared.append((len(one), len(other)))
            return hmac.compare_digest(one, other)

        monkeypatch.setattr(admission, "hmac", SimpleNamespace(compare_digest=compare))
        for account in (("nobody", SECRET), ("customs-xi", "wrong"), ("customs-xi", SECRET)):
            hand(world.application, environ_of(self.PATH, by=None, HTTP_AUTHORIZATION=basic(*account)))
        assert compared == [(32, 32)] * 3

    def test_a_name_in_another_alphabet_is_read(self, world):
        header = basic("Zoll-Österreich", "Schlüssel")
        answer = hand(world.application, environ_of(self.PATH, by=None, HTTP_AUTHORIZATION=header))
        assert answer.code == "IMG-2001"

    @pytest.mark.parametrize("by", ["customs-xi", "nobody", None])
    def test_over_plain_http_nobody_is_asked_for_credentials(self, world, by):
        answer = hand(world.application, environ_of(self.PATH, by=by, REMOTE_ADDR="192.0.2.7")).described(self.PATH)
        assert (answer.status, answer.code) == (403, "IMG-2007")
        assert "WWW-Authenticate" not in answer.headers

    def test_over_https_from_anywhere(self, world):
        request = environ_of(self.PATH, REMOTE_ADDR="192.0.2.7", **{"wsgi.url_scheme": "https"})
        assert hand(world.application, request).code == "IMG-7201"

    @pytest.mark.parametrize(
        ("by", "certificate_der", "code"),
        [
            (None, OWN.certificate_der, "IMG-7201"),
            ("customs-xi", OWN.certificate_der, "IMG-7201"),
            (None, OTHERS.certificate_der, "IMG-7201"),
            ("customs-xi", OTHERS.certificate_der, "IMG-2006"),
            (None, AUTHORITY.certificate_der, "IMG-2005"),
        ],
    )
    def test_a_client_certificate(self, world, by, certificate_der, code):
        request = environ_of(
            self.PATH, by=by, REMOTE_ADDR="192.0.2.7", **{"wsgi.url_scheme": "https", OWN_CERTIFICATE: certificate_der}
        )
        assert hand(world.application, request).described(self.PATH).code == code


def rows(world):
    with world.store.read() as connection:
        return (
            connection.execute(text("SELECT count(*) FROM audit")).scalar(),
            connection.execute(text("SELECT count(*) FROM exchanges")).scalar(),
        )


class TestTraces:
    def test_an_answer_leaves_one(self, served, world, known):
        audit, exchanges = rows(world)
        for method in ("GET", "HEAD"):
            assert served.get(f"/cheds/{known['plants']}", method=method).status == 200
        assert rows(world) == (audit + 2, exchanges)
        with world.store.read() as connection:
            entry = find_audit(connection, known["plants"])[-1]
        assert (entry.actor, entry.action) == ("customs-xi", "GetChed")
        assert entry.detail == {"cheds": [known["plants"]], "withheld": 0}

    def test_both_faces_leave_the_same(self, served, world, known):
        served.get(f"/declarations/MRN/{known['mrn']}")
        served.soap("FindByDeclaration", Type="MRN", Number=known["mrn"])
        with world.store.read() as connection:
            one, other = find_audit(connection, known["mrn"])[-2:]
        assert (one.action, one.actor, one.detail) == (other.action, other.actor, other.detail)

    def test_a_refusal_is_kept_with_its_address_and_without_secrets(self, served, world):
        audit, exchanges = rows(world)
        answer = served.asked(f"/cheds/{UNKNOWN}")
        assert rows(world) == (audit + 1, exchanges + 1)
        with world.store.read() as connection:
            kept = find_evidence(connection, answer.json["exchange"])
        assert (kept.exchange.contract, kept.exchange.operation) == ("customs-lookup", "GetChed")
        assert (kept.exchange.error_code, kept.exchange.subject) == ("IMG-7201", UNKNOWN)
        assert kept.request == f"GET {PREFIX}/cheds/{UNKNOWN}".encode()

    def test_strangers_leave_none(self, world):
        before = rows(world)
        hand(world.application, environ_of(TestIdentity.PATH, by="nobody"))
        hand(world.application, environ_of(f"{PREFIX}/nothing"))
        assert rows(world) == before


class TestOwnFailures:
    @pytest.fixture
    def failing(self, world, monkeypatch):
        def fail(error):
            def answer(*_, **__):
                raise error

            monkeypatch.setattr(customs_rest, "check_operation", answer)
            return hand(world.application, environ_of(TestIdentity.PATH)).described(TestIdentity.PATH)

        return fail

    def test_a_store_that_is_away(self, failing, world):
        before = rows(world)
        answer = failing(Unavailable("IMG-9001"))
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "IMG-9001", "5")
        assert answer.json["retry"] == "later"
        assert rows(world) == before

    def test_what_nobody_thought_of(self, failing, caplog):
        answer = failing(RuntimeError("a secret"))
        assert (answer.status, answer.code) == (500, "IMG-9002")
        assert b"secret" not in answer.raw
        assert "secret" not in caplog.text
        assert "RuntimeError" in caplog.text

    def test_secrets_are_not_logged(self, world, capsys, caplog):
        hand(world.application, environ_of(TestIdentity.PATH))
        hand(world.application, environ_of(TestIdentity.PATH, by="nobody"))
        logged = caplog.text + "".join(capsys.readouterr())
        assert "IMG-7201" in logged
        assert SECRET not in logged
        assert basic().removeprefix("Basic ") not in logged


def test_an_instance_without_cheds_has_no_lookups(world, sqlite_url):
    own = replace(
        world.settings, instance=InstanceSettings(id="a-hub", roles=("hub",)), store=StoreSettings(sqlite_url)
    )
    gateway = build_application(own, clock=lambda: world.now)
    try:
        answer = hand(gateway, environ_of(f"{PREFIX}/openapi.json"))
        assert (answer.status, answer.code) == (404, "IMG-7423")
        assert "keeps CHEDs" in answer.json["expected"]
        assert hand(gateway, environ_of("/CustomsLookup")).status == 404
    finally:
        gateway.close()


def test_the_body_is_plain_utf_8(served, known):
    raw = served.get(f"/certificates/{quote('ÅL/1')}").raw
    assert json.loads(raw)["question"]["number"] == "ÅL/1"
    assert "ÅL/1".encode() in raw


class TestPage:
    """docs/customs-lookups.md and the example say what is so."""

    ROOT = Path(__file__).parents[2]
    PAGE = (ROOT / "docs" / "customs-lookups.md").read_text("utf-8")

    def test_the_answer_shown_is_one(self):
        (shown,) = re.findall(r"```json\n(.*?)```", self.PAGE, re.DOTALL)
        raw = shown.encode()
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "Content-Length": str(len(raw))}
        Reply(200, headers, raw).described(f"{PREFIX}/documents/N853/x")

    def test_every_question_and_status_is_told(self):
        for path in description()["paths"]:
            assert f"{PREFIX}{path}".split("{")[0] in self.PAGE
        for name in OPERATIONS:
            assert f"`{name}`" in self.PAGE
        described = {status for each in description()["paths"].values() for status in each["get"]["responses"]}
        assert set(re.findall(r"^\| ([45]\d\d) ", self.PAGE, re.MULTILINE)) == described - {"200"}

    @pytest.mark.parametrize(
        ("question", "shown", "code"),
        [
            (("ched", "{goods}"), "{goods} (asked): valid", 0),
            (("document", "N853", "{goods}"), "  line 1: 998 KGM left, 2 taken or held", 0),
            (("certificate", "{number}"), "certificate ZA 851 {number}: status 44", 0),
            (("declaration", "MRN", "{mrn}"), "{goods} (consumed, reported): valid", 0),
            (("document", "Y058", "1"), "IMG-7421 No document stands behind this customs document code", 1),
        ],
    )
    def test_the_example_runs(self, served, known, tmp_path, question, shown, code):
        secret = tmp_path / "secret.txt"
        secret.write_text(SECRET, "utf-8")
        address = f"http://127.0.0.1:{served.server.server_port}"
        parts = [each.format(**known) for each in question]
        command = [sys.executable, self.ROOT / "examples" / "customs_lookups.py", address, "customs-xi", secret, *parts]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (code, "")
        assert shown.format(**known) in done.stdout
