"""ReferenceDataServiceV1 alone in this process: one partner that may ask, one that may not."""

import base64
import hashlib
import io
import itertools
import secrets
import time
from datetime import UTC, datetime, timedelta

from lxml import etree

from gateway.access import Directory
from gateway.endpoints.traces_common import Services
from gateway.endpoints.traces_reference import reference_data
from gateway.exchange import Admission, Context, ExchangePolicy, PartnerTrust
from gateway.soap.server import SoapApplication
from gateway.traces.contracts import REFERENCE
from gateway.traces.headers import CallHeaders, write_headers
from gateway.xml.boundary import parse
from gateway.xml.names import SOAP11, WSSE, WSU
from gateway.xml.schemas import SchemaName, is_valid
from mappings import load_tables
from mappings.live import LiveTables

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TOKEN = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
BINARY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
TABLES = load_tables()
_numbers = itertools.count()


def security(name):
    nonce, created = secrets.token_bytes(16), f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + b"secret").digest()).decode()
    return (
        f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}"><u:Timestamp><u:Created>{created}</u:Created>'
        f"<u:Expires>{NOW + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}</u:Expires></u:Timestamp>"
        f'<w:UsernameToken><w:Username>{name}</w:Username><w:Password Type="{TOKEN}">{digest}</w:Password>'
        f'<w:Nonce EncodingType="{BINARY}">{base64.b64encode(nonce).decode()}</w:Nonce>'
        f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )


class Service:
    """The service with one partner that may ask and one that may not."""

    def __init__(self, store, folder, data, now=NOW):
        """``now`` None is the real time, for clients that write their own."""
        secret = folder / f"secret-{next(_numbers)}"
        secret.write_text("secret")
        self.store = store

        def clock():
            return now or datetime.now(UTC)

        directory = Directory(
            lambda: [
                self.record("reader", ["reference-data"], secret),
                self.record("stranger", ["docom"], secret),
            ],
            lambda: "1",
            time.monotonic,
        )

        context = Context(
            store=store,
            directory=directory,
            trust=PartnerTrust(directory),
            index=LiveTables(TABLES),
            sealer=None,
            policy=ExchangePolicy("test", frozenset({"traces"})),
            clock=clock,
        )
        contract = reference_data(data, Services(context, Admission(directory, context.policy)))
        self.application = SoapApplication([contract], clock=clock)

    @staticmethod
    def record(name, contracts, secret):
        return {
            "id": name,
            "name": "invented",
            "kind": "national",
            "country": "NL",
            "contracts": contracts,
            "code_system": "traces",
            "authentication": {"username": name, "secret": f"file:{secret}"},
        }

    def post(self, body, *, who="reader", language="en", headers=None):
        blocks = write_headers(CallHeaders("test", language)).decode() if headers is None else headers
        raw = (
            f'<s:Envelope xmlns:s="{SOAP11}"><s:Header>{security(who)}{blocks}</s:Header>'
            f"<s:Body>{body.decode()}</s:Body></s:Envelope>"
        ).encode()
        return self.send(raw)

    def send(self, raw, *, content_type="text/xml; charset=utf-8", action=""):
        """An HTTP status and the reply."""
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": REFERENCE.path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": content_type,
            "HTTP_SOAPACTION": action,
            "CONTENT_LENGTH": str(len(raw)),
            "HTTP_HOST": "gateway.invalid",
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(raw),
            "wsgi.url_scheme": "https",
        }
        status = []
        reply = b"".join(self.application(environ, lambda line, _headers: status.append(int(line[:3]))))
        return status[0], reply

    def ask(self, body, **options):
        """The reply's element, which keeps the schema."""
        status, reply = self.post(body, **options)
        assert status == 200, reply.decode()
        element = parse(reply).root.find(f"{{{SOAP11}}}Body")[0]
        assert is_valid(SchemaName.TRACES_REFERENCE, element)
        return element

    def fault(self, body, **options):
        status, reply = self.post(body, **options)
        assert status == 500
        fault = parse(reply).root.find(f"{{{SOAP11}}}Body")[0]
        detail = fault.find("detail")
        return fault.findtext("faultstring"), (None if detail is None else etree.QName(detail[0]).localname), reply
