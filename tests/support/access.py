"""The API in the test's own process, with credentials: people of two tenants, and what one of them has."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from producer_api.app import create_app
from producer_api.services import Services
from tests.support.api_services import services_of
from tests.support.lifecycle_store import ORIGIN
from waybill.domain import Actor, End, Failure, FailureType, Fence, Owner, Report, Role, Status
from waybill.kinds import Artefact

TEST = Actor(Owner(), "the test")
HERS, THEIRS = "acme", "globex"


@dataclass(frozen=True)
class Person:
    """Somebody with a key."""

    name: str
    owner: Owner
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Access:
    """An API that accepts keys, and no worker behind it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.client: FlaskClient = create_app(services).test_client()
        self.operation = ""
        """The id of the last operation that a test has started."""
        self.ann = self.person("ann", HERS, Role.REQUESTER)

    def person(self, name: str, tenant: str, *roles: Role) -> Person:
        owner = Owner.named(tenant, name)
        _, secret = self.services.api_keys.create(TEST, f"{name}'s", owner, roles)
        return Person(name, owner, str(secret))

    def requested(self, by: Person, **more: Any) -> Report:
        """As that person requests it by the API."""
        body = {"kind": "dowork", "parameters": {}}
        answer = self.client.post("/api/v1/reports", json=body, headers={**by.headers, **more})
        assert answer.status_code == 202, answer.text
        report = self.services.ledger.get(answer.get_json()["id"])
        assert report is not None
        assert report.owner == by.owner
        return report

    def failed(self, by: Person) -> Report:
        """With a dead letter."""
        fence = self._claimed(self.requested(by))
        failure = Failure(FailureType.ERROR, "Something wrong!")
        return self.services.ledger.finish(fence, End(Status.FAIL, failure, exhausted=True), origin=ORIGIN)

    def done(self, by: Person, folder: Path) -> Report:
        """With a file."""
        report = self.requested(by)
        fence = self._claimed(report)
        path = folder / "report.txt"
        path.write_text(f"what {by.name} alone should read\n")
        with io.FileIO(path) as file:
            artefact = Artefact(path, "text/plain", path.name)
            stored = self.services.artefacts.put(by.owner.tenant, report.id, fence.attempt, artefact, file)
        return self.services.ledger.finish(fence, End(Status.DONE), [stored])

    def _claimed(self, report: Report) -> Fence:
        claimed = self.services.ledger.claim(report.id, "the test", alone=True)
        assert claimed is not None
        return Fence(report.id, claimed.attempt, "the test")


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """Its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def access(database_url: str, folder: Path, **settings: Any) -> Iterator[Access]:
    """On an empty database."""
    services = services_of(folder, **{"database_url": database_url, "auth": "key", **settings})
    try:
        yield Access(services)
    finally:
        services.runtime.close()
