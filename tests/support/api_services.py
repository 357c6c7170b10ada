"""The parts of a producer-api in the test's own process."""

import os
from pathlib import Path
from typing import Any

from pytest import MonkeyPatch

from producer_api.services import Services, build_services
from producer_api.settings import ApiSettings
from waybill.settings import PREFIX, load

GOOD = {
    "WAYBILL_DATABASE_URL": "postgresql://waybill:secret@db:5432/waybill",
    "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "WAYBILL_ARTEFACT_URL": "file:///tmp/artefacts",
}
"""The variables without which no service starts."""


def services_of(folder: Path, **settings: Any) -> Services:
    """With files in `folder`, and, unless `settings` say otherwise, neither database nor Kafka."""
    away = {
        "database_url": "postgresql://hush:hush@127.0.0.1:1/hush",
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "artefact_url": folder.as_uri(),
    }
    return build_services(load(ApiSettings, **{**away, **settings}))


def set_alone(monkeypatch: MonkeyPatch, variables: dict[str, str]) -> None:
    """Of Waybill's variables, these and no others."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
