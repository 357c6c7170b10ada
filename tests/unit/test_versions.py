"""The parts are the same everywhere: docs/decisions/0103."""

import re
from typing import Any

import yaml

from local.install import jaeger, jaeger_release, kafka
from tests.conftest import TESTS

ROOT = TESTS.parent
DECISION = (ROOT / "docs/decisions/0103-one-version-of-each-part.md").read_text()


def load(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text())


COMPOSE = load("compose.yaml")["services"]
VALUES = load("charts/waybill/values.yaml")


def decided(part: str) -> str:
    match = re.search(rf"^\| {part} \| ([\d.]+) \|", DECISION, re.MULTILINE)
    assert match, f"the decision has no row for {part}"
    return match[1]


def tag(image: str) -> str:
    return image.rpartition(":")[2]


def test_kafka() -> None:
    pom = (ROOT / "local/kafka/pom.xml").read_text()
    found = {
        "the list of jars": kafka.version(),
        "the pom": re.findall(r"<kafka.version>(.*)</kafka.version>", pom)[0],
        "compose": tag(COMPOSE["kafka"]["image"]),
        "the chart": VALUES["kafka"]["strimzi"]["version"],
    }

    assert found == dict.fromkeys(found, decided("Kafka"))


def test_every_jar_of_kafka_has_its_version() -> None:
    own = {jar.version for jar in kafka.jars() if jar.name.startswith("org.apache.kafka:")}

    assert own == {kafka.version()}
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) and jar.size > 0 for jar in kafka.jars())


def test_jaeger() -> None:
    found = {
        "the release": jaeger_release.RELEASE.version,
        "compose": tag(COMPOSE["jaeger"]["image"]),
        "the chart": VALUES["tracing"]["jaeger"]["image"]["tag"],
    }

    assert found == dict.fromkeys(found, decided("Jaeger"))
    assert f"Jaeger {jaeger.BUILT_VERSION} where it is built from source" in DECISION


def test_collector() -> None:
    found = {"compose": tag(COMPOSE["collector"]["image"]), "the chart": VALUES["collector"]["image"]["tag"]}

    assert found == dict.fromkeys(found, decided("collector"))
    built = load("otel-collector/builder.yaml")["dist"]["version"]
    assert f"`otel-collector/builder.yaml` is {built}" in DECISION
