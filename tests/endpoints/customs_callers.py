"""Customs systems that look things up: http.client for the read API, zeep for SOAP, over a socket or without one.

Every answer of the read API is held against its OpenAPI description. What a client needs of SOAP is zeep's own; only
the security header is written by the harness, because the clock of the gateway stands still.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from http.client import HTTPConnection
from importlib import resources
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import zeep
from certex_harness import SECRET, wsse_security
from lxml import etree
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from zeep.helpers import serialize_object
from zeep.plugins import HistoryPlugin

SEVERAL = {
    "Allocation": "allocations",
    "Because": "because",
    "Certificate": "certificates",
    "Ched": "cheds",
    "Citation": "citations",
    "CustomsDocument": "customsDocuments",
    "Description": "descriptions",
    "Line": "lines",
    "Version": "versions",
}
"""Repeated elements, and the arrays that hold the same in JSON."""
PREFIX = "/customs/v1"
OPERATIONS = {
    "cheds": "/cheds/{reference}",
    "documents": "/documents/{code}/{number}",
    "certificates": "/certificates/{number}",
    "declarations": "/declarations/{type}/{number}",
}


@cache
def description():
    return json.loads(resources.files("gateway.endpoints").joinpath("customs_openapi.json").read_bytes())


@cache
def _validator(name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": description()["components"]}
    return OAS31Validator(schema, format_checker=oas31_format_checker)


@cache
def _schema():
    with resources.as_file(resources.files("xsd").joinpath("CustomsLookup_1.xsd")) as path:
        return etree.XMLSchema(etree.parse(path))


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def code(self):
        return self.json.get("code", "")

    def described(self, path):
        """As the description has it: the status is one of the operation's, and the body fits its schema."""
        step = path.removeprefix(PREFIX).split("/")[1] if path.startswith(PREFIX) else ""
        if step in OPERATIONS:
            declared = description()["paths"][OPERATIONS[step]]["get"]["responses"]
            assert str(self.status) in declared, f"{self.status} of {path} is not described"
            name = declared[str(self.status)]["$ref"].rpartition("/")[2]
            needed = description()["components"]["responses"][name].get("headers", {})
            assert needed.keys() <= self.headers.keys()
        kind = "Answer" if self.status == 200 else "Problem"
        media = "application/json" if self.status == 200 else "application/problem+json"
        assert self.headers["Content-Type"] == media
        assert self.headers["Cache-Control"] == "no-store"
        assert int(self.headers["Content-Length"]) == len(self.raw)
        if self.status != 200:
            assert self.json["status"] == self.status
        errors = [f"{error.json_path}: {error.message}" for error in _validator(kind).iter_errors(self.json)]
        assert not errors, errors
        return self


def basic(name="customs-xi", secret=SECRET):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def environ_of(path, *, query="", by="customs-xi", method="GET", **changes):
    """A request as a server hands it over; ``changes`` are variables, None takes one away."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": "gateway.invalid",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.errors": io.StringIO(),
    }
    if by is not None:
        environ["HTTP_AUTHORIZATION"] = basic(by)
    return {name: value for name, value in {**environ, **changes}.items() if value is not None}


def hand(application, environ):
    """Hand a request to the application, without a server."""
    seen = []
    raw = b"".join(application(environ, lambda status, headers, *_: seen.append((int(status[:3]), dict(headers)))))
    return Reply(*seen[0], raw)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Security:
    """WS-Security as zeep applies it, at the gateway's own time."""

    def __init__(self, world, partner):
        self.world = world
        self.partner = partner

    def apply(self, envelope, headers):
        header = etree.fromstring(wsse_security(self.partner, SECRET, self.world.now))
        zeep.wsdl.utils.get_or_create_header(envelope).append(header)
        return envelope, headers

    def verify(self, envelope):
        return envelope


class Served:
    """The gateway behind a socket, and its clients."""

    def __init__(self, world):
        self.world = world
        self.server = make_server("127.0.0.1", 0, world.application, server_class=_Server, handler_class=_Quiet)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._clients = {}
        self._history = HistoryPlugin(maxlen=1)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def get(self, path, *, by="customs-xi", method="GET", headers=None):
        """Over the wire, as written: the path is not touched."""
        connection = HTTPConnection("127.0.0.1", self.server.server_port, timeout=30)
        sent = {} if by is None else {"Authorization": basic(by)}
        try:
            connection.request(method, PREFIX + path, headers={**sent, **(headers or {})})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def asked(self, path, **options):
        return self.get(path, **options).described(PREFIX + path)

    def soap(self, operation, *, by="customs-xi", **parameters):
        """The answer of the SOAP face as zeep reads it, in the form of the JSON one."""
        found = self._client(by).service[operation](**parameters)
        (body,) = self._history.last_received["envelope"].find("{*}Body")
        assert _schema().validate(body), _schema().error_log
        return as_json(serialize_object(found, dict))

    def soap_code(self, operation, **options):
        """The code of a refusal, from the typed detail of the fault."""
        try:
            answer = self.soap(operation, **options)
        except zeep.exceptions.Fault as fault:
            (detail,) = fault.detail
            name = "{urn:imsoc:gateway:customs-lookup:1}"
            assert detail.tag == f"{name}LookupFault"
            self._client("customs-xi").get_element(f"{name}LookupFault").parse(
                detail, self._client("customs-xi").wsdl.types
            )
            return detail.findtext(f"{name}Code")
        raise AssertionError(f"answered {answer}")

    def _client(self, by):
        if by not in self._clients:
            address = f"http://127.0.0.1:{self.server.server_port}/CustomsLookup?wsdl"
            self._clients[by] = zeep.Client(address, wsse=Security(self.world, by), plugins=[self._history])
        return self._clients[by]


def as_json(value):
    """zeep's values as JSON has them: names with a small letter, repeated elements as arrays, times as text."""
    if isinstance(value, dict):
        given = {name: inner for name, inner in value.items() if inner is not None}
        return {
            SEVERAL[name] if isinstance(inner, list) else name[0].lower() + name[1:]: as_json(inner)
            for name, inner in given.items()
        }
    if isinstance(value, list):
        return [as_json(each) for each in value]
    if hasattr(value, "isoformat"):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
