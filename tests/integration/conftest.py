"""One stack for all of these tests, and what they need to look into it.

A test that stops a part starts it again; tests may run in any order.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from local.errors import LocalError
from local.installation import Installation
from local.stack import Stack
from tests.support.database import Database
from tests.support.kafka import Topics
from tests.support.s3 import S3, s3_server
from tests.support.traces import Traces
from tests.support.waiting import PATIENCE
from waybill.store import create_engine
from waybill_client import JaegerClient, WaybillClient

ODD_NAME = "feature%2Fbill $HOME é"
"""Of the folder that the parts run in: a checkout may be in one that is called so."""


def start_stack(run_dir: Path) -> Stack:
    """On free ports, with the services of the environment that runs the tests."""
    try:
        installation = replace(Installation.find(), scripts=Path(sys.executable).parent)
        return Stack.start(
            run_dir,
            installation=installation,
            settings={
                "producer-api": {
                    "WAYBILL_STREAM_HEARTBEAT_SECONDS": "1",
                    "WAYBILL_HEADER_TIMEOUT_SECONDS": "5",
                    "WAYBILL_BODY_TIMEOUT_SECONDS": "5",
                    # A client that does not read waits for longer than any test does.
                    "WAYBILL_WRITE_TIMEOUT_SECONDS": str(10 * PATIENCE),
                }
            },
        )
    except LocalError as error:
        pytest.fail(f"The stack did not start: {error}", pytrace=False)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with start_stack(tmp_path_factory.mktemp("stack") / ODD_NAME) as started:
        yield started


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An object store."""
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as server:
        yield server


@pytest.fixture(autouse=True)
def _nothing_crashed(request: pytest.FixtureRequest) -> Iterator[None]:
    """A part that ended by itself fails the test in which it did."""
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").check()


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[WaybillClient]:
    with WaybillClient(stack.endpoints.api_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def http(stack: Stack) -> Iterator[httpx.Client]:
    """The API without a client that understands it, and without retries."""
    with httpx.Client(base_url=stack.endpoints.api_url, timeout=PATIENCE, trust_env=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def traces(stack: Stack) -> Iterator[Traces]:
    with JaegerClient(stack.endpoints.jaeger_url) as opened:
        yield Traces(opened)


@pytest.fixture(scope="session")
def topics(stack: Stack) -> Topics:
    return Topics(stack.endpoints.kafka_bootstrap)


@pytest.fixture(scope="session")
def database(stack: Stack) -> Iterator[Database]:
    engine = create_engine(stack.endpoints.database_url, application="tests")
    yield Database(engine)
    engine.dispose()
