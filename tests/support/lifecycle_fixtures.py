"""Fixtures for the tests of a report's lifecycle: a plugin, so that every module of them shares one stack."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.stack import Stack
from tests.support.database import Database
from tests.support.lifecycle_stack import ENQUEUE_AGAIN, LEASE, NAMES, LifecycleStack, lifecycle_stack
from tests.support.lifecycle_store import Policies, Store, engine_of, own_database
from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy
from waybill.store.migrate import migrate
from waybill_client import WaybillClient


@pytest.fixture(scope="session")
def store_url(stack: Stack) -> Iterator[str]:
    """A database beside that of the services, with the schema of now."""
    with own_database(stack.endpoints.database_url, "store") as url:
        with engine_of(url, pool_size=1) as engine:
            migrate(engine)
        yield url


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store with the default policies."""
    with engine_of(store_url) as engine:
        opened = Store(engine, ArtefactStore((tmp_path / "artefacts").as_uri()), Policies())
        opened.empty()
        yield opened


@pytest.fixture(scope="session")
def lifecycle(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LifecycleStack]:
    """Services with short leases and kinds that go wrong."""
    directory = tmp_path_factory.mktemp("lifecycle")
    with (
        own_database(stack.endpoints.database_url, "lifecycle") as url,
        lifecycle_stack(stack, url, directory) as ready,
    ):
        yield ready


@pytest.fixture(scope="session")
def reports(lifecycle: LifecycleStack) -> Iterator[WaybillClient]:
    """The client of their API."""
    with WaybillClient(lifecycle.api_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def api(lifecycle: LifecycleStack) -> Iterator[httpx.Client]:
    """Their API without a client that understands it."""
    with httpx.Client(base_url=lifecycle.api_url, timeout=60, trust_env=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def lifecycle_database(lifecycle: LifecycleStack) -> Iterator[Database]:
    with engine_of(lifecycle.database_url) as engine:
        yield Database(engine)


@pytest.fixture
def lifecycle_store(lifecycle: LifecycleStack, lifecycle_database: Database) -> Store:
    """Their store, from the test's own process. What it writes is published by the services' relays."""
    policies = Policies(lease=LeasePolicy(LEASE), requeue_after=ENQUEUE_AGAIN, topics=NAMES)
    return Store(lifecycle_database.engine, ArtefactStore(lifecycle.artefacts.as_uri()), policies)
