"""A room imports only downwards: what docs/architecture.md promises."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
COMMON = SERVICES / "common/src/waybill"
PRODUCER_API = SERVICES / "producer-api/src/producer_api"
REPORT_WORKER = SERVICES / "report-worker/src/report_worker"

FORBIDDEN = [
    (COMMON, "producer_api"),
    (COMMON, "report_worker"),
    (PRODUCER_API, "report_worker"),
    (REPORT_WORKER, "producer_api"),
    (COMMON / "store", "confluent_kafka"),
    (COMMON / "store", "waybill.kafka"),
    (COMMON / "store", "waybill.messages"),
    (COMMON / "messages", "sqlalchemy"),
    (COMMON / "messages", "waybill.store"),
    (COMMON / "messages", "confluent_kafka"),
    (COMMON / "tracing", "waybill.store"),
    (COMMON / "tracing", "waybill.kafka"),
    (COMMON / "tracing", "sqlalchemy"),
    (COMMON / "tracing", "confluent_kafka"),
    (COMMON / "domain", "sqlalchemy"),
    (COMMON / "domain", "confluent_kafka"),
    (COMMON / "domain", "opentelemetry"),
    (COMMON / "domain", "pydantic"),
    (COMMON / "kinds", "opentelemetry"),
    (SERVICES.parent / "local", "waybill"),
    # statements have one home, in the store
    (PRODUCER_API, "waybill.store.statements"),
    (REPORT_WORKER, "waybill.store.statements"),
]


@pytest.mark.parametrize(
    ("room", "other"),
    FORBIDDEN,
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_a_room_does_not_import_another(room: Path, other: str) -> None:
    files = list(room.rglob("*.py"))
    assert files

    wrong = {
        f"{file.relative_to(SERVICES.parent)}: {name}"
        for file in files
        for name in imports(file)
        if name == other or name.startswith(f"{other}.")
    }

    assert not wrong


def test_the_environment_is_read_at_the_edge_alone() -> None:
    edge = {"settings.py", "launch.py", "__main__.py"}
    wrong = [
        str(file.relative_to(SERVICES))
        for room in (COMMON, PRODUCER_API, REPORT_WORKER)
        for file in room.rglob("*.py")
        if file.name not in edge and "os.environ[" in file.read_text()
    ]

    assert not wrong


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; names of `from` imports as modules too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f".{node.module or ''}" if node.level else node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
