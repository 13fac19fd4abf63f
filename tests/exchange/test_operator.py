"""What the operator of an instance decides: its role, its tables, its limits, its time-stamping authority."""

from dataclasses import replace

import pytest

from gateway.config import SealSettings, TranslationSettings
from gateway.errors import Unavailable
from gateway.sandbox.samples import Example, certificate, example
from gateway.store import find_accepted, list_exchanges
from gateway.xml.limits import DEFAULT_LIMITS

HEADER = """# kind: map
# system: ephyto
# list: package
# otherwise: identity
# authority: the operator
# source: {}
# version: 2026-11-22
# grade: own
# licence: own
code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence
"""
BOTH = pytest.mark.parametrize("version", ["1.1", "1.2"])


def with_package(world, code):
    return world.sealed(certificate(lines=1).replace(b"<ram:TypeCode>BX<", f"<ram:TypeCode>{code}<".encode()))


@pytest.fixture
def tables(tmp_path):
    """A folder of the operator's own rows for packages."""

    def write(*rows):
        folder = tmp_path / "tables"
        folder.mkdir(exist_ok=True)
        text = HEADER.format("rows of a test") + "".join(f"{row}\n" for row in rows)
        (folder / "map-ephyto-package.csv").write_text(text, "utf-8")
        return {"translation": TranslationSettings(folder)}

    return write


def test_the_row_that_a_refusal_shows_lets_the_same_message_pass(world, opened, caller_of, tables):
    """Unmapped is not guessed: the fault names table and row, the operator completes it, the sender sends again."""
    document = with_package(world, "X0")
    gateway = opened()
    refused = caller_of(gateway).submit(document)
    gateway.close()
    assert (refused.code, refused.fault("Retry"), refused.fault("Found")) == ("IMG-6001", "after-change", "X0")
    table, row = refused.fault("Expected").split(": ")
    assert table == "map-ephyto-package.csv"
    assert refused.fault("Where").endswith("/ram:PhysicalSPSPackage[1]/ram:TypeCode")
    gateway = opened(**tables(row.replace("?", "BX")))
    caller = caller_of(gateway)
    assert caller.submit(document).status == 200
    assert caller.submit(world.sealed()).status == 200
    assert caller.submit(with_package(world, "BT")).code == "IMG-6007"


@BOTH
@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("X0,BX,657,in,widens,,,,a test", "IMG-6002"),
        ("X0,BX,,in,widens,2025-01-01,2025-12-31,,a test", "IMG-6003"),
        ("X0,BX,,in,widens,2099-01-01,,,a test", "IMG-6003"),
        ("X0,BX,,in,widens,,,unverified,a test", "IMG-6004"),
    ],
)
def test_a_row_that_does_not_hold_here_and_now(world, opened, caller_of, tables, version, row, code):
    answer = caller_of(opened(**tables(row))).submit(with_package(world, "X0"), version=version)
    assert (answer.code, answer.fault("Retry")) == (code, "after-change")
    assert "X0" in answer.fault("Message")


class TestRoutes:
    """Article 39: which certificates a national system takes directly."""

    @BOTH
    def test_phytosanitary_by_route_iv_is_refused_unless_the_operator_says_otherwise(
        self, world, opened, caller_of, version
    ):
        gateway = opened(world.partner(com_informed_on="2026-01-01"), roles=("national",))
        answer = caller_of(gateway).submit(world.sealed(), version=version)
        assert (answer.code, answer.fault("Found")) == ("IMG-4102", "route iv")

    @pytest.mark.parametrize("informed", [None, "2099-01-01"])
    def test_nothing_comes_by_route_iv_before_the_commission_was_informed(self, world, opened, caller_of, informed):
        grants = {"document_types": ["853"], "country_pairs": ["UY>*"]}
        extra = {"com_informed_on": informed} if informed else {}
        gateway = opened(world.partner(**grants, **extra), roles=("national",))
        answer = caller_of(gateway).submit(world.sealed(example(Example.VETERINARY)))
        assert answer.code == "IMG-4101"

    def test_afterwards_it_comes_and_the_route_is_recorded(self, world, opened, caller_of):
        record = world.partner(document_types=["853"], country_pairs=["UY>*"], com_informed_on="2026-01-01")
        caller = caller_of(opened(record, roles=("national",)))
        assert caller.submit(world.sealed(example(Example.VETERINARY))).status == 200
        answer = caller.call(
            '<cx:FindCertificatesRequest xmlns:cx="urn:imsoc:gateway:certificate-exchange:1" pageSize="1"/>'
        )
        number = answer.text(".//cx:ID")
        status = caller.about("GetCertificateStatus", number, type_code="853", issuer="UY")
        assert status.text("cx:Version/cx:IssuingRoute") == "iv"

    @BOTH
    @pytest.mark.parametrize("route", ["i", "ii", "iv"])
    def test_a_third_country_cannot_choose_its_route(self, world, caller, version, route):
        answer = caller.submit(world.sealed(), route=route, version=version)
        assert answer.code == "IMG-4103"
        assert caller.submit(world.sealed(), route="iii").status == 200


class TestLimits:
    """Large documents as far as the operator lets them."""

    MEGABYTES = 8

    @pytest.fixture
    def large(self, world):
        """Eight megabytes, eleven in base64, most of it one long note."""
        document = certificate(lines=1, number="AR-LARGE").replace(
            b"Lots of the packing house", b"lots " * (self.MEGABYTES * 200_000)
        )
        return world.sealed(document)

    def test_a_text_beyond_the_operators_limit_is_refused(self, opened, caller_of, large):
        caller = caller_of(opened(limits=replace(DEFAULT_LIMITS, max_text_length=2_000_000)))
        assert caller.submit(large).code == "IMG-1008"

    def test_a_raised_limit_lets_it_in_and_out_again(self, world, opened, caller_of, large):
        limits = replace(DEFAULT_LIMITS, max_text_length=12_000_000)
        hub = world.partner("hub", kind="international-organisation", document_types=["*"], country_pairs=["*>*"])
        gateway = opened(world.partner(), hub, limits=limits)
        caller = caller_of(gateway)
        assert len(large) > 8_000_000
        assert caller.submit(large).status == 200
        read = caller.about("GetCertificate", "AR-LARGE")
        assert len(read.raw) > 4 * len(large) // 3
        assert caller_of(gateway, "hub").about("GetCertificate", "AR-LARGE").text("cx:Masked") == "true"

    @pytest.mark.parametrize(
        ("limits", "code"),
        [
            ({"max_elements": 40}, "IMG-1005"),
            ({"max_depth": 8}, "IMG-1004"),
        ],
    )
    def test_a_lowered_limit_holds_inside_a_sealed_document_too(self, world, opened, caller_of, limits, code):
        caller = caller_of(opened(limits=replace(DEFAULT_LIMITS, **limits)))
        document = world.sealed(certificate(lines=3))
        as_file, as_element = caller.submit(document), caller.submit(document, inline=True)
        assert as_file.code == as_element.code == code


def accepted(gateway):
    with gateway.context.store.read() as connection:
        assert find_accepted(connection, b"nothing") is None
        return len(list_exchanges(connection))


@BOTH
def test_while_the_store_is_busy_nothing_is_kept_and_the_same_message_passes_later(world, caller, version, monkeypatch):
    def busy(*_, **__):
        raise Unavailable("IMG-9001")

    raw = caller.envelope(caller.request("SubmitCertificate", world.sealed()), version=version)
    with monkeypatch.context() as patch:
        patch.setattr("gateway.exchange.submission.record_submission", busy)
        answer = caller.post(raw, version=version)
    assert (answer.status, answer.code, answer.fault("Retry")) == (500, "IMG-9001", "later")
    assert answer.fault("ExchangeID") is None
    assert accepted(caller.gateway) == 0
    assert caller.post(raw, version=version).status == 200


@BOTH
def test_without_a_time_stamp_for_our_own_seal_nothing_is_acknowledged(world, opened, caller_of, version, monkeypatch):
    settings = world.settings
    monkeypatch.setattr(
        world,
        "settings",
        lambda *arguments, **changes: replace(
            settings(*arguments, **changes), seal=silent(settings(*arguments, **changes).seal, world)
        ),
    )
    gateway = opened()
    caller = caller_of(gateway)
    raw = caller.envelope(caller.request("SubmitCertificate", world.sealed(number="AR-1")), version=version)
    answer = caller.post(raw, version=version)
    assert (answer.status, answer.code, answer.fault("Retry")) == (500, "IMG-9003", "later")
    assert accepted(gateway) == 0
    assert caller.about("GetCertificate", "AR-1").code == "IMG-7004"
    assert caller.post(raw, version=version).code == "IMG-9003"


def silent(seal: SealSettings, world):
    """A setting that asks for a time stamp of an authority that is not there."""
    anchor = world.folder / "tsa.pem"
    anchor.write_bytes(world.tsa_root.certificate_pem)
    return replace(
        seal, timestamp="required", timestamp_authorities=("http://127.0.0.1:9/",), timestamp_anchors=(anchor,)
    )
