"""A room imports only downwards: what docs/architecture.md promises."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
COMMON = SERVICES / "common/src/waybill"
PRODUCER_API = SERVICES / "producer-api/src/producer_api"
REPORT_WORKER = SERVICES / "report-worker/src/report_worker"
CLIENT = SERVICES / "client/src/waybill_client"

ROOMS: dict[str, set[str]] = {
    # plain Python
    "errors": set(),
    "topics": set(),
    "redaction": set(),
    "secret_files": set(),
    "background": set(),
    "prctl": set(),
    "bare_http": set(),
    "domain": set(),
    "file_headers": set(),
    "kinds": {"errors"},
    "periodic": {"errors"},
    "database_url": {"errors"},
    "addresses": {"errors"},
    "health": {"bare_http"},
    "definitions": {"errors", "kinds"},
    # adapters, each of one thing
    "messages": {"domain", "errors"},
    "telemetry": {"addresses", "domain", "errors", "redaction"},
    "logs": {"redaction"},
    "store": {"database_url", "domain", "errors"},
    "kafka": {"background", "errors", "topics"},
    "artefacts": {"background", "domain", "errors", "file_headers", "kinds"},
    "outbound": {"background", "errors"},
    # what uses them
    "ledger": {"artefacts", "domain", "errors", "messages", "store", "topics"},
    "outbox": {"domain", "kafka", "ledger", "messages", "store", "telemetry"},
    "maintenance": {"artefacts", "domain", "ledger", "periodic", "store", "telemetry"},
    # the edge
    "settings": {"addresses", "database_url", "domain", "errors", "kafka", "secret_files", "topics"},
    "launch": {"artefacts", "errors", "logs", "settings", "telemetry"},
    "runtime": {
        "artefacts",
        "kafka",
        "kinds",
        "ledger",
        "maintenance",
        "outbox",
        "settings",
        "store",
        "telemetry",
    },
    "commands": {"definitions", "domain", "errors", "kafka", "ledger", "settings", "store", "topics"},
}
"""Every room inside `waybill`, from the bottom up, with the rooms that it may import."""

FORBIDDEN = [
    (COMMON, "producer_api"),
    (COMMON, "report_worker"),
    (PRODUCER_API, "report_worker"),
    (REPORT_WORKER, "producer_api"),
    (SERVICES.parent / "local", "waybill"),
    (SERVICES.parent / "local", "waybill_client"),
    # the client stands alone, and the services do without it
    *(
        (CLIENT, other)
        for other in ("waybill", "producer_api", "report_worker", "sqlalchemy", "confluent_kafka")
    ),
    *((CLIENT, other) for other in ("flask", "opentelemetry")),
    *((room, "waybill_client") for room in (COMMON, PRODUCER_API, REPORT_WORKER)),
    (COMMON / "store", "confluent_kafka"),
    (COMMON / "ledger", "confluent_kafka"),
    (COMMON / "messages", "sqlalchemy"),
    (COMMON / "messages", "confluent_kafka"),
    (COMMON / "telemetry", "sqlalchemy"),
    (COMMON / "telemetry", "confluent_kafka"),
    (COMMON / "domain", "sqlalchemy"),
    (COMMON / "domain", "confluent_kafka"),
    (COMMON / "domain", "opentelemetry"),
    (COMMON / "domain", "pydantic"),
    (COMMON / "kinds", "opentelemetry"),
    (COMMON / "outbound", "pydantic"),
    (COMMON / "outbound", "sqlalchemy"),
    (COMMON / "kafka", "sqlalchemy"),
    # statements have one home, in the store; ledger and relay are the only ones to use them
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


def room_of(file: Path) -> str:
    return file.relative_to(COMMON).parts[0].removesuffix(".py")


def imported_rooms(file: Path) -> set[str]:
    names = (name.split(".") for name in imports(file) if name.startswith("waybill."))
    return {parts[1] for parts in names if parts[1] in ROOMS} - {room_of(file)}


def test_the_rooms_are_all_that_there_are() -> None:
    found = {room_of(file) for file in COMMON.rglob("*.py")} - {"__init__"}

    assert found == set(ROOMS)


def test_a_room_imports_those_below_it_and_no_others() -> None:
    """Also none that the map allows and nothing uses: the map says what is."""
    found: dict[str, set[str]] = {name: set() for name in ROOMS}
    for file in COMMON.rglob("*.py"):
        if room_of(file) in found:
            found[room_of(file)] |= imported_rooms(file)

    assert {name: sorted(rooms) for name, rooms in found.items()} == {
        name: sorted(rooms) for name, rooms in ROOMS.items()
    }


def test_no_room_imports_one_above_it() -> None:
    order = list(ROOMS)

    assert all(order.index(other) < order.index(name) for name, others in ROOMS.items() for other in others)


def test_the_map_names_every_room_and_module() -> None:
    text = (SERVICES.parent / "docs/architecture.md").read_text()
    packages = [COMMON, CLIENT, PRODUCER_API, REPORT_WORKER, SERVICES.parent / "local"]
    names = {
        entry.relative_to(package).with_suffix("").name
        for package in packages
        for entry in package.iterdir()
        if (entry.suffix == ".py" or (entry / "__init__.py").exists()) and not entry.name.startswith("__")
    }

    assert {name for name in names if f"`{name}`" not in text} == set()


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
