import datetime as dt
import re
import socket
import ssl
import threading
from contextlib import suppress

import pytest
from cryptography import x509

from gateway.cli.checks import State, _expiry
from gateway.cli.desk import ExitCode
from gateway.sandbox.pki import Authority, write

NOW = dt.datetime.now(dt.UTC)


def by_name(answer):
    return {check["name"]: check for check in answer["checks"]}


def test_a_new_installation_is_well(imsoc, trial):
    answer = imsoc.json("doctor", "--offline")
    assert answer["ok"]
    checks = by_name(answer)
    assert checks["partners"]["detail"] == "third-country"
    assert {
        "settings",
        "seal key",
        "schemas",
        "mapping tables",
        "reference data",
        "disk",
        "store",
        "instance lock",
        "clock",
    } <= checks.keys()
    assert all(check["state"] != State.FAIL for check in answer["checks"])


def test_each_line_says_how_it_went(imsoc, trial):
    lines = imsoc("doctor", "--offline").stdout.splitlines()
    assert all(line.split()[0] in ("ok", "warn") for line in lines)


def test_a_hub_that_nobody_can_call_is_warned_of(imsoc, trial):
    assert by_name(imsoc.json("doctor", "--offline"))["hub"]["state"] == State.OK
    settings = trial / "imsoc.toml"
    text = settings.read_text("utf-8")
    settings.write_text(re.sub(r"(?m)^roles = .*$", 'roles = ["hub"]', text), "utf-8")
    check = by_name(imsoc.json("doctor", "--offline"))["hub"]
    assert check["state"] == State.WARN
    assert "server.client_ca" in check["repair"]


def test_a_mistake_in_a_code_list_of_the_hub_is_named_with_its_line(imsoc, trial):
    (trial / "lists").mkdir()
    (trial / "lists" / "pesticides.csv").write_text(
        "# list: Pesticide\n# authority: a\n# source: s\n# version: 1\n# licence: l\n"
        "active,code,description\nperhaps,1,a\n"
    )
    with (trial / "imsoc.toml").open("a") as settings:
        settings.write('\n[hub]\nlists = "lists"\n')
    check = by_name(imsoc.json("doctor", "--offline", code=ExitCode.REFUSED))["hub"]
    assert "pesticides.csv:7 active" in check["detail"]


def test_tls_files_that_would_fail_every_connection_fail(imsoc, trial):
    authority = Authority("TLS", now=NOW)
    write(trial, "server", authority.tls_server("127.0.0.1"))
    write(trial, "other", authority.tls_server("127.0.0.1"))
    (trial / "authority.pem").write_bytes(authority.certificate_pem)
    settings = trial / "imsoc.toml"
    text = settings.read_text("utf-8")

    def check(key, client_ca, code):
        files = f'tls_certificate = "server.pem"\ntls_key = "{key}"\nclient_ca = "{client_ca}"\n'
        assert "[server]\n" in text
        settings.write_text(text.replace("[server]\n", f"[server]\n{files}", 1), "utf-8")
        return by_name(imsoc.json("doctor", "--offline", code=code))["tls"]

    assert check("server.key", "authority.pem", ExitCode.OK)["state"] == State.OK
    for key, client_ca, found in (
        ("other.key", "authority.pem", "key values mismatch"),
        ("missing.key", "authority.pem", "missing.key: No such file or directory"),
        ("server.key", "missing.pem", "missing.pem: No such file or directory"),
        ("server.key", "imsoc.toml", "imsoc.toml: no certificate or crl found"),
    ):
        failed = check(key, client_ca, ExitCode.REFUSED)
        assert failed["state"] == State.FAIL
        assert failed["detail"].startswith("IMG-0101")
        assert found in failed["detail"]
        assert "not start" in failed["repair"]


def test_a_wrong_setting_is_named_first_and_alone(imsoc, tmp_path):
    (tmp_path / "imsoc.toml").write_text("[server]\nport = 99999\n", "utf-8")
    answer = imsoc.json("doctor", code=ExitCode.REFUSED)
    failing = [check for check in answer["checks"] if check["state"] == State.FAIL]
    assert [check["name"] for check in failing] == ["settings"]
    assert "server.port" in failing[0]["detail"]


def test_a_store_without_schema_ends_with_the_command(imsoc, trial):
    (trial / "imsoc.db").unlink()
    answer = by_name(imsoc.json("doctor", "--offline", code=ExitCode.REFUSED))
    assert answer["store"]["repair"] == "imsoc db upgrade"


def test_a_store_that_is_not_there_is_said_once(imsoc, trial):
    (trial / "imsoc.db").unlink()
    checks = imsoc.json("doctor", code=ExitCode.REFUSED)["checks"]
    assert [check["name"] for check in checks if check["state"] == State.FAIL] == ["store"]


def test_an_address_in_use_is_a_warning(imsoc, trial):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        text = (trial / "imsoc.toml").read_text("utf-8").replace("8080", str(other.getsockname()[1]))
        (trial / "imsoc.toml").write_text(text, "utf-8")
        check = by_name(imsoc.json("doctor", "--offline"))["address"]
    assert check["state"] == State.WARN
    assert "IMG-0115" in check["detail"]


def test_a_disabled_partner_is_marked(imsoc, trial):
    text = (trial / "partner.toml").read_text("utf-8").replace('id = "third-country"', 'id = "another"')
    (trial / "another.toml").write_text(text, "utf-8")
    imsoc("partners", "remove", "third-country")
    imsoc("partners", "add", "another.toml")
    assert "third-country (disabled)" in by_name(imsoc.json("doctor", "--offline"))["partners"]["detail"]


def test_the_repair_works(imsoc, trial):
    (trial / "imsoc.db").unlink()
    repair = by_name(imsoc.json("-c", "imsoc.toml", "doctor", "--offline", code=ExitCode.REFUSED))["store"]["repair"]
    imsoc(*repair.split()[1:])
    imsoc("doctor", "--offline")


def test_a_missing_key_file_fails(imsoc, trial):
    (trial / "seal.key").unlink()
    check = by_name(imsoc.json("doctor", "--offline", code=ExitCode.REFUSED))["seal key"]
    assert "IMG-0104" in check["detail"]
    assert check["repair"]


def test_a_key_that_others_can_read_is_a_warning(imsoc, trial):
    (trial / "seal.key").chmod(0o644)
    checks = imsoc.json("doctor", "--offline")["checks"]
    assert {"warn", "ok"} == {check["state"] for check in checks if check["name"] == "seal key"}


def test_a_secret_that_is_gone_fails(imsoc, trial):
    (trial / "partner-secret.txt").unlink()
    check = by_name(imsoc.json("doctor", "--offline", code=ExitCode.REFUSED))["secret third-country"]
    assert "IMG-0121" in check["detail"]


def test_a_broken_mapping_row_is_named(imsoc, trial):
    (trial / "tables").mkdir()
    (trial / "tables" / "list-country.csv").write_text("not,a,table\n1,2,3\n", "utf-8")
    with (trial / "imsoc.toml").open("a", encoding="utf-8") as file:
        file.write('\n[translation]\ntables = "tables"\n')
    check = by_name(imsoc.json("doctor", "--offline", code=ExitCode.REFUSED))["mapping tables"]
    assert "IMG-013" in check["detail"]


def test_lists_that_were_loaded_are_checked_with_the_others(imsoc, trial):
    head = "# list: posts\n# authority: a\n# source: s\n# version: 1\n# licence: l\n# grade: own\n"
    columns = "code,name,country,city,locode,address,categories,types,active,kind,valid_from,valid_to,grade\n"
    (trial / "posts.csv").write_text(f"{head}# base: none\n{columns}NLXXX1,A,NL,B,NLXXX,C,HC,PP,true,bcp,,,\n")
    imsoc("mappings", "load", "--reason", "x", "--yes", "reference", "posts.csv", "--list", "posts")
    check = next(each for each in imsoc.json("doctor")["checks"] if each["name"] == "reference data")
    assert check["detail"] == "1 posts, 1 active today, 1 lists loaded"


def test_a_mistake_in_the_operators_list_of_posts_is_named_with_its_line(imsoc, trial):
    (trial / "tables" / "reference").mkdir(parents=True)
    columns = "code,name,country,city,locode,address,categories,types,active,kind,valid_from,valid_to,grade"
    (trial / "tables" / "reference" / "posts.csv").write_text(
        "# list: posts\n# authority: a\n# source: s\n# version: 1\n# licence: l\n# grade: own\n"
        f"{columns}\nNLXXX1,A port,NL,A town,NLXXX,Quay 1,HC,X,true,bcp,,,\n",
        "utf-8",
    )
    with (trial / "imsoc.toml").open("a", encoding="utf-8") as file:
        file.write('\n[translation]\ntables = "tables"\n')
    check = by_name(imsoc.json("doctor", "--offline", code=ExitCode.REFUSED))["reference data"]
    assert "posts.csv line 8 types" in check["detail"]


def test_an_authority_that_does_not_answer_fails(imsoc, trial):
    text = (trial / "imsoc.toml").read_text("utf-8")
    text += 'timestamp_authorities = ["http://127.0.0.1:9/"]\ntimestamp_anchors = ["tsa-root.pem"]\n'
    (trial / "imsoc.toml").write_text(text, "utf-8")
    assert "IMG-9003" in by_name(imsoc.json("doctor", code=ExitCode.REFUSED))["time stamps"]["detail"]


def test_a_partner_that_does_not_listen_fails(imsoc, trial):
    text = (trial / "partner.toml").read_text("utf-8")
    text += '\n[partner.delivery]\nadapter = "certificate-exchange"\naddress = "http://127.0.0.1:9/x"\n'
    (trial / "partner.toml").write_text(text, "utf-8")
    imsoc("partners", "add", "partner.toml")
    check = by_name(imsoc.json("doctor", code=ExitCode.REFUSED))["endpoint third-country"]
    assert check["repair"].startswith("curl")


@pytest.fixture
def partner_over_tls(imsoc, trial):
    """A partner that takes our certificate; called with keys of its record, the doctor's answer about it."""
    authority = Authority("TLS", now=NOW)
    for name, made in (("ours", authority), ("another", Authority("Another", now=NOW))):
        (trial / f"{name}.pem").write_bytes(made.certificate_pem)
        write(trial, f"{name}-client", made.tls_client("us"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write(trial, "server", authority.tls_server("127.0.0.1")))
    context.load_verify_locations(trial / "ours.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    text = (trial / "partner.toml").read_text("utf-8")
    ended = threading.Event()

    def accept(listener):
        while not ended.is_set():
            with suppress(OSError), listener.accept()[0] as connection:
                connection.settimeout(5)
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)

    def ask(ca, client, code):
        files = f'ca = "{ca}.pem"\nclient_certificate = "{client}.pem"\nclient_key = "{client}.key"\n'
        address = f"https://127.0.0.1:{listener.getsockname()[1]}/x"
        record = f'{text}\n[partner.delivery]\nadapter = "certificate-exchange"\naddress = "{address}"\n{files}'
        (trial / "partner.toml").write_text(record, "utf-8")
        said = imsoc("partners", "add", "partner.toml").stderr
        return by_name(imsoc.json("doctor", code=code)), said

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        yield ask
        ended.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join(5)


def test_a_partner_that_trusts_us_is_well(partner_over_tls):
    checks, said = partner_over_tls("ours", "ours-client", ExitCode.OK)
    assert "TLSv1.3 with the files" in checks["endpoint third-country"]["detail"]
    assert not said


@pytest.mark.parametrize(
    ("ca", "client", "reason"),
    [
        ("another", "ours-client", "TLS fails: certificate verify failed: "),
        ("ours", "another-client", "TLS fails: alert unknown ca"),
    ],
)
def test_a_partner_that_listens_and_does_not_trust_us_or_we_it_fails(partner_over_tls, ca, client, reason):
    checks, said = partner_over_tls(ca, client, ExitCode.REFUSED)
    check = checks["endpoint third-country"]
    assert check["state"] == State.FAIL
    assert reason in check["detail"]
    assert "client_certificate" in check["repair"]
    assert not said


def test_a_tls_file_of_a_partner_that_is_not_there_is_said_when_it_is_added_and_by_the_doctor(partner_over_tls):
    checks, said = partner_over_tls("missing", "ours-client", ExitCode.REFUSED)
    for name in ("tls third-country", "endpoint third-country"):
        assert checks[name]["state"] == State.FAIL
        assert "missing.pem" in checks[name]["detail"]
    assert "missing.pem" in said


@pytest.mark.parametrize(("days", "state"), [(-1, State.FAIL), (10, State.WARN), (31, State.OK)])
def test_certificates_are_watched_before_they_end(days, state):
    start = NOW - dt.timedelta(days=100)
    authority = Authority("Root", now=start)
    certificate = x509.load_der_x509_certificate(
        authority.seal("Seal", not_after=NOW + dt.timedelta(days=days, minutes=5)).certificate_der
    )
    assert _expiry("seal key", certificate, "renew").state is state


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('country_pairs = ["*>BE"]', "import_countries AR: no country pair reaches them (*>BE)"),
        ("country_pairs = []", "import_countries AR: no country pair reaches them (none)"),
        ('document_types = ["657"]', "delivery.document_types 851: not in document_types"),
        ("contracts = []", "contracts is empty"),
        ("", None),
    ],
)
def test_what_a_record_asks_for_and_can_never_get_is_named(imsoc, trial, change, said):
    record = {
        "contracts": '["ippc-hub"]', "document_types": '["851"]', "country_pairs": '["*>AR"]',
    }  # fmt: skip
    if change:
        name, _, value = change.partition(" = ")
        record[name] = value
    lines = "\n".join(f"{name} = {value}" for name, value in record.items())
    (trial / "hub.toml").write_text(
        f"""[partner]
id = "the-hub"
name = "invented"
kind = "hub"
country = "*"
code_system = "ephyto"
{lines}
[partner.authentication]
client_certificates = ["sha256:{"0" * 64}"]
[partner.delivery]
adapter = "ippc-hub"
address = "https://127.0.0.1:9/"
import_countries = ["AR", "*"]
document_types = ["851"]
"""
    )
    imsoc("partners", "add", "hub.toml")
    check = by_name(imsoc.json("doctor", "--offline")).get("grants the-hub")
    assert (check is None) == (said is None)
    if said:
        assert check["state"] == State.WARN
        assert said in check["detail"]
