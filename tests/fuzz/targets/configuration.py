"""What operators set."""

from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from producer_api.settings import ApiSettings
from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_text, odd_text
from waybill.addresses import Address, NotAnAddress
from waybill.database_url import WrongDatabaseUrl, connection_options
from waybill.settings import WrongSettings, load

_SECRET = "hush-5ecret-hush-5ecret-hush-5ecret"
_URLS = (
    f"postgresql://waybill:{_SECRET}@db.example:5432/waybill?sslmode=verify-full&connect_timeout=3",
    f"postgresql+psycopg://waybill:{_SECRET}@[::1]/waybill",
    f"host=a,b port=1,2 user=waybill password={_SECRET} dbname=waybill client_encoding=utf8",
    f"postgres://waybill:{_SECRET}@a:1,b:2/waybill?target_session_attrs=any",
)
_ADDRESSES = ("0.0.0.0:8080", "[::]:8081", "localhost:80", ":8080", "[::1]:65535", "host.example:1")
_VALID = {
    "database_url": _URLS[0],
    "kafka_bootstrap_servers": "kafka:9092",
    "kafka_sasl_password": _SECRET,
    "artefact_url": "file:///tmp/artefacts",
    "listen": "127.0.0.1:8080",
    "allowed_hosts": "waybill.example, *.example.org",
    "trusted_proxies": "10.0.0.0/8, ::1",
    "path_prefix": "/waybill/",
    "auth": "key,oidc,proxy",
    "oidc_issuers": "https://issuer.example/realms/a, http://localhost:9000",
    "oidc_audience": "waybill",
    "oidc_algorithms": "RS256,ES256",
    "oidc_owner_claim": "email",
    "oidc_roles": "report-users=requester,report-admins=operator",
    "oidc_default_roles": "none",
    "oidc_clock_skew_seconds": "60",
    "oidc_client_id": "the pages",
    "oidc_client_secret": _SECRET,
    "session_secret": f"{_SECRET}, {_SECRET[::-1]}",
    "session_hours": "8",
    "webhook_hosts": "hooks.example, *.example.org:8443, http://[::1]:8080",
    "webhook_private_networks": "10.1.0.0/16, fd00::/8",
    "webhook_secret": f"whsec_{'hush5ecret' * 4},whsec_{'terce5hsuh' * 4}",
    "webhook_retry_seconds": "5,300",
    "lease_seconds": "30",
    "retry_max_delay_seconds": "600",
    "report_retention_days": "30",
    "dead_letter_total_mib": "256",
    "stream_max_seconds": "900",
    "http_threads": "64",
    "caller_trace": "link",
}
_NAMES = tuple(_VALID)
_MADE = (
    *("oidc", "sign_in", "proxies", "hosts", "stream", "arrival", "retry", "retention", "lease", "evidence"),
    *("requeue_after", "maintenance_interval", "topics", "accepted", "listens_on_loopback", "proxy_headers"),
    *("max_long_answers", "webhook_targets", "webhook_signer", "webhook_deliveries"),
)
"""What services make from settings that were accepted."""


def read_a_database_url(choices: Choices) -> bool:
    """As libpq reads it; a refusal does not repeat the password."""
    address = mutated_text(choices, choices.one(_URLS))
    try:
        options = connection_options(address)
    except WrongDatabaseUrl as error:
        assert _SECRET not in str(error)
        assert str(error).encode()
        return False
    assert options["client_encoding"] == "utf8"
    again = conninfo_to_dict(make_conninfo(**options))
    assert {name: str(value) for name, value in again.items()} == options
    return True


def read_an_address(choices: Choices) -> bool:
    text = mutated_text(choices, choices.one(_ADDRESSES))
    try:
        address = Address.parse(text)
    except NotAnAddress as error:
        assert len(str(error)) < 1500
        return False
    assert 0 <= address.port < 65536
    host = f"[{address.host}]" if ":" in address.host else address.host
    assert Address.parse(f"{host}:{address.port}") == address
    assert address.is_loopback in (True, False)
    return True


def read_settings(choices: Choices) -> bool:
    """What is accepted makes all policies; a refusal has no secret in it."""
    values: dict[str, Any] = dict(_VALID)
    for _ in range(choices.some(3)):
        name = choices.one(_NAMES)
        values[name] = odd_text(choices) if choices.rarely(3) else mutated_text(choices, _VALID[name])
    try:
        settings = load(ApiSettings, **values)
    except WrongSettings as error:
        assert _SECRET not in str(error)
        assert _SECRET[::-1] not in str(error)
        assert "hush5ecret" not in str(error)
        return False
    made = {name: getattr(settings, name) for name in _MADE}
    assert made["oidc"].issuers
    for issuer in made["oidc"].issuers:
        assert urlsplit(issuer).scheme in ("https", "http")
        assert urlsplit(issuer).hostname
    assert settings.session(plain_on_loopback=True).secrets
    assert settings.kafka_config("fuzz").bootstrap_servers
    return True
