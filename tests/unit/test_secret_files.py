"""Every setting that holds a secret may be in a file, and is shown nowhere."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from producer_api.settings import ApiSettings
from report_worker.settings import WorkerSettings
from tests.support.api_services import GOOD, set_alone
from tests.support.checkout import ROOT
from waybill.settings import PREFIX, MigrationSettings, Settings, WrongSettings, load

SERVICES: list[type[Settings]] = [ApiSettings, WorkerSettings, MigrationSettings]
SECRETS = sorted({(settings, name) for settings in SERVICES for name in settings.secrets()}, key=str)

VALUES = {
    "database_url": "postgresql://waybill:canary@db:5432/waybill",
    "artefact_url": "s3://canary/reports",
    "session_secret": "canary" * 6,
    "webhook_secret": f"whsec_{'canary' * 6}",
}
"""What a secret must look like; others may be any text."""

NO_SECRETS = {
    "kafka_ssl_key_location",
    "tls_key_file",
    "idempotency_key_retention_hours",
    "jaeger_url",  # of which one with a user is refused
    "jaeger_public_url",
}
"""Names that look like those of secrets."""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_alone(monkeypatch, GOOD)


@pytest.fixture(params=SECRETS, ids=lambda secret: f"{secret[0].__name__}-{secret[1]}")
def secret(request: pytest.FixtureRequest) -> tuple[type[Settings], str]:
    settings, name = request.param
    return settings, name


def shown(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def refused(settings: type[Settings]) -> str:
    with pytest.raises(WrongSettings) as caught:
        load(settings)
    return str(caught.value)


@pytest.mark.parametrize("settings", SERVICES)
def test_every_field_that_holds_a_secret_is_marked(settings: type[Settings]) -> None:
    looks_secret = re.compile(r"secret|passw|token|_pem$|_key_|_url$")
    found = {name for name in settings.model_fields if looks_secret.search(name)} - NO_SECRETS

    assert found <= set(settings.secrets())
    assert {name for name, field in settings.model_fields.items() if field.annotation is SecretStr} <= set(
        settings.secrets()
    )


def test_it_is_read_from_its_file_without_the_line_ends_after_it(
    secret: tuple[type[Settings], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings, name = secret
    value = VALUES.get(name, "canary line 1\ncanary line 2")
    monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    monkeypatch.setenv(f"{PREFIX}{name.upper()}_FILE", str(tmp_path / "secret"))
    (tmp_path / "secret").write_bytes(f"{value}\r\n\n".encode())

    loaded = load(settings)

    assert shown(getattr(loaded, name)) == value
    assert "canary" not in repr(loaded)
    assert "canary" not in str(loaded)


def test_it_is_not_set_twice(
    secret: tuple[type[Settings], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings, name = secret
    variable = f"{PREFIX}{name.upper()}"
    monkeypatch.setenv(variable, VALUES.get(name, "canary"))
    monkeypatch.setenv(f"{variable}_FILE", str(tmp_path / "secret"))
    (tmp_path / "secret").write_text(VALUES.get(name, "canary"))

    said = refused(settings)

    assert f"{variable}_FILE: set this or {variable}, not both" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read the file: No such file or directory"),
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (b"canary\xff", "the file is no UTF-8 text"),
        (b"canary" * 20_000, "the file is larger than 65536 bytes"),
    ],
    ids=["missing", "empty", "only a line end", "not text", "too large"],
)
def test_a_file_that_cannot_be_used_stops_the_start(
    content: bytes | None, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WAYBILL_DATABASE_URL")
    monkeypatch.setenv("WAYBILL_DATABASE_URL_FILE", str(tmp_path / "canary"))
    if content is not None:
        (tmp_path / "canary").write_bytes(content)

    found = refused(WorkerSettings)

    assert found == f"The settings are wrong.\n  WAYBILL_DATABASE_URL_FILE: {said}"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a folder", "a pipe"])
def test_what_is_no_file_is_not_read(make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a pipe, the second process that reads it would wait forever."""
    make(tmp_path / "secret")
    monkeypatch.delenv("WAYBILL_DATABASE_URL")
    monkeypatch.setenv("WAYBILL_DATABASE_URL_FILE", str(tmp_path / "secret"))

    assert "WAYBILL_DATABASE_URL_FILE: what it names is no file" in refused(WorkerSettings)


def test_a_secret_in_place_of_its_file_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYBILL_DATABASE_URL")
    monkeypatch.setenv("WAYBILL_DATABASE_URL_FILE", "postgresql://waybill:canary@db/waybill" + "y" * 300)

    assert "canary" not in refused(WorkerSettings)


def test_an_empty_name_of_a_file_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_DATABASE_URL_FILE", "")

    assert load(WorkerSettings).database_url == GOOD["WAYBILL_DATABASE_URL"]


def test_each_secret_is_named_in_the_architecture() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith("A secret may be in a file")]

    assert {f"{PREFIX}{name.upper()}" for _, name in SECRETS} == set(re.findall(r"`(WAYBILL_[A-Z_]+)`", line))
