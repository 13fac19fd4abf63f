from pathlib import Path

import pytest

from gateway.config import Settings
from gateway.errors import ConfigurationError

pytestmark = pytest.mark.short


def write(folder: Path, text: str) -> Path:
    path = folder / "imsoc.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(path: Path | None, environ: dict[str, str] | None = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(path, environ or {})
    return caught.value


def test_defaults_are_a_complete_configuration_that_listens_on_loopback_only():
    settings = Settings.load(None, {})
    assert settings.server.host == "127.0.0.1"
    assert settings.trust.phyto_routes == ("i", "iii")
    assert settings.limits.max_depth == 100


def test_values_of_every_kind_are_read(tmp_path):
    path = write(
        tmp_path,
        """
        [instance]
        id = "gateway-a"
        roles = ["traces", "hub"]
        [server]
        port = 8443
        [seal]
        key = "keys/seal.pem"
        certificate = "keys/seal-cert.pem"
        chain = ["keys/ca.pem"]
        [delivery]
        in_process = false
        lease_seconds = 5
        [hub]
        countries = ["NL", "BE"]
        lists = "lists"
        [limits]
        max_depth = 40
        """,
    )
    settings = Settings.load(path, {})
    assert settings.instance.roles == ("traces", "hub")
    assert settings.server.port == 8443
    assert settings.seal.key == tmp_path / "keys/seal.pem"
    assert settings.seal.chain == (tmp_path / "keys/ca.pem",)
    assert settings.delivery.in_process is False
    assert settings.delivery.lease_seconds == 5.0
    assert settings.hub.countries == ("NL", "BE")
    assert settings.hub.lists == tmp_path / "lists"
    assert settings.limits.max_depth == 40
    assert settings.source == path


def test_the_database_file_is_relative_to_the_settings_file(tmp_path):
    settings = Settings.load(write(tmp_path, '[store]\nurl = "sqlite:///data/x.db"'), {})
    assert settings.store.url == f"sqlite:///{tmp_path}/data/x.db"


def test_a_secret_file_is_relative_to_the_settings_file(tmp_path):
    settings = Settings.load(write(tmp_path, '[seal]\npassword = "file:secrets/p12"'), {})
    assert settings.seal.password == f"file:{tmp_path}/secrets/p12"


def test_the_environment_wins_over_the_file(tmp_path):
    path = write(tmp_path, '[server]\nport = 1\n[instance]\nroles = ["hub"]\n[logging]\njson = false')
    environ = {"IMSOC_SERVER_PORT": "9000", "IMSOC_INSTANCE_ROLES": "traces, national", "IMSOC_LOGGING_JSON": "yes"}
    settings = Settings.load(path, environ)
    assert settings.server.port == 9000
    assert settings.instance.roles == ("traces", "national")
    assert settings.logging.json is True


@pytest.mark.parametrize(
    ("text", "key", "found", "expected"),
    [
        ("[server]\nport = 70000", "server.port", "70000", "0 to 65535"),
        ('[server]\nport = "80"', "server.port", "80", "whole number"),
        ("[server]\nport = true", "server.port", "True", "whole number"),
        ('[instance]\nroles = ["trace"]', "instance.roles[0]", "trace", "traces | national | hub"),
        ('[instance]\nroles = "traces"', "instance.roles", "traces", "list"),
        ('[instance]\nid = "Gateway A"', "instance.id", "Gateway A", "a-z"),
        ('[store]\nurl = "mysql://x"', "store.url", "mysql://x", "postgresql://"),
        ("[seal]\nkey = 1", "seal.key", "1", "file name"),
        ('[delivery]\nin_process = "no"', "delivery.in_process", "no", "true or false"),
        ("[delivery]\nlease_seconds = 0", "delivery.lease_seconds", "0", "1 to 3600"),
        ("server = 1", "[server]", "1", "table"),
        ('[seal]\nkey = "k.pem"', "seal.certificate", "only one", "together"),
        ('[seal]\npkcs12 = "k.p12"\nchain = ["c.pem"]', "seal.pkcs12", "chain", "one of the two"),
        ('[seal]\ntimestamp = "required"', "seal.timestamp_authorities", "none", "required"),
        ('[server]\ntls_key = "k.pem"', "server.tls_key", "only one", "together"),
        ('[server]\nclient_ca = "ca.pem"', "server.client_ca", "no tls", "proxy"),
        ("[server]\nworkers = 2", "server.workers", "2", "postgresql"),
        ("[trust]\nnonce_keep_seconds = 599", "trust.nonce_keep_seconds", "599", "replayed"),
        ("[delivery]\nbackoff_max_seconds = 0.5", "delivery.backoff_max_seconds", "0.5", "backoff_first"),
        ('[hub]\ncountries = ["nl"]', "hub.countries[0]", "nl", "ISO 3166-1"),
        ('[hub]\ncountries = ["NL"]', "hub.countries", "NL", "instance.roles"),
        ('[limits]\nmax_bytes = "lots"', "limits.max_bytes", "lots", "whole number"),
    ],
)
def test_a_wrong_value_is_refused_naming_key_found_and_expected(tmp_path, text, key, found, expected):
    error = refusal(write(tmp_path, text))
    assert error.code == "IMG-0101"
    assert error.where == key
    assert found in error.found
    assert expected in error.expected


@pytest.mark.parametrize(
    ("text", "where", "suggestion"),
    [
        ("[server]\nprot = 1", "server.prot", "port"),
        ("[sever]\nport = 1", "[sever]", "server"),
        ("[limits]\nmax_byte = 1", "limits.max_byte", "max_bytes"),
        ('[limits]\nlarge_text = ["x"]', "limits.large_text", "max_large_text"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(tmp_path, text, where, suggestion):
    error = refusal(write(tmp_path, text))
    assert (error.code, error.where, error.expected) == ("IMG-0103", where, suggestion)


@pytest.mark.parametrize("variable", ["IMSOC_SERVER_PROT", "IMSOC_SEVER_PORT"])
def test_a_misspelt_variable_is_refused(variable):
    error = refusal(None, {variable: "1"})
    assert (error.code, error.where, error.expected) == ("IMG-0103", variable, "IMSOC_SERVER_PORT")


def test_variables_that_are_not_settings_are_left_alone():
    Settings.load(None, {"IMSOC_CONTRACTS": "/x", "IMSOC_CONFIG": "y", "IMSOC_REQUIRE_EXTERNAL": "1", "PATH": "z"})


@pytest.mark.parametrize(("value", "expected"), [("many", "whole number"), ("0", "1 to 64")])
def test_a_wrong_variable_is_named_as_the_variable(value, expected):
    error = refusal(None, {"IMSOC_SERVER_WORKERS": value})
    assert (error.code, error.where) == ("IMG-0101", "IMSOC_SERVER_WORKERS")
    assert expected in error.expected


def test_a_boolean_variable_must_be_one():
    assert refusal(None, {"IMSOC_LOGGING_JSON": "perhaps"}).expected == "true or false"


@pytest.mark.parametrize("text", [None, "[server", "\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, text):
    path = tmp_path / "imsoc.toml" if text is None else write(tmp_path, text)
    error = refusal(path)
    assert error.code == "IMG-0102"
    assert error.where == str(path)


def test_a_password_written_into_the_file_is_refused_without_showing_it(tmp_path):
    error = refusal(write(tmp_path, '[seal]\npassword = "hunter2"'))
    assert (error.code, error.where, error.expected) == ("IMG-0101", "seal.password", "file:PATH or env:NAME")
    assert "hunter2" not in f"{error}{error.found}"


def test_workers_are_allowed_on_postgresql(tmp_path):
    path = write(tmp_path, '[store]\nurl = "postgresql://gateway@db/imsoc"\n[server]\nworkers = 4')
    assert Settings.load(path, {}).server.workers == 4


def test_the_upstream_and_what_happens_while_it_is_away_are_read(tmp_path):
    path = write(
        tmp_path,
        """
        [traces]
        portal = "https://traces.example"
        upstream = "traces-nt"
        client_id = "imsoc-nl"
        when_away = "contingency"
        retry_seconds = 2
        contingency_labels = ["fr:Document de secours"]
        languages = ["BE:nl/fr/de", "NL:nl"]
        """,
    )
    traces = Settings.load(path, {}).traces
    assert (traces.upstream, traces.client_id, traces.when_away) == ("traces-nt", "imsoc-nl", "contingency")
    assert traces.retry_seconds == 2.0
    assert traces.contingency_labels == ("fr:Document de secours",)
    assert traces.languages == ("BE:nl/fr/de", "NL:nl")
    assert traces.part_signatures == "required"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[traces]\nwhen_away = "contingency"', "traces.when_away"),
        ('[instance]\nroles = ["traces"]\n[traces]\nupstream = "other"', "traces.upstream"),
        ('[traces]\nlanguages = ["Belgium"]', "traces.languages[0]"),
        ('[traces]\ncontingency_labels = ["no language"]', "traces.contingency_labels[0]"),
        ('[traces]\nwhen_away = "wait"', "traces.when_away"),
    ],
)
def test_traces_settings_that_contradict_each_other_are_named(tmp_path, text, key):
    error = refusal(write(tmp_path, text))
    assert error.code == "IMG-0101"
    assert error.where == key


def test_customs_are_shown_the_time_of_brussels_unless_a_setting_says_otherwise(tmp_path):
    assert Settings.load(None, {}).customs.time_zone == "Europe/Brussels"
    path = write(
        tmp_path, '[customs]\ntime_zone = "Europe/Dublin"\nmax_message_age_seconds = 60\nupstream = "traces-nt"'
    )
    customs = Settings.load(path, {}).customs
    assert (customs.time_zone, customs.max_message_age_seconds, customs.upstream) == ("Europe/Dublin", 60, "traces-nt")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('time_zone = ""', "customs.time_zone"),
        ('time_zone = "Europe"', "customs.time_zone"),
        ('time_zone = "Brussels time"', "customs.time_zone"),
        ("max_message_age_seconds = 0", "customs.max_message_age_seconds"),
        ("settled_after_seconds = 899", "customs.settled_after_seconds"),
        ('upstream = "Traces NT"', "customs.upstream"),
        ('upstream = "other"\n[instance]\nroles = ["traces"]', "customs.upstream"),
    ],
)
def test_customs_settings_that_cannot_be_are_named(tmp_path, text, key):
    error = refusal(write(tmp_path, f"[customs]\n{text}"))
    assert (error.code, error.where) == ("IMG-0101", key)
