"""Why the database is away, without the names that libpq and PostgreSQL quote."""

import re
from datetime import timedelta
from unittest.mock import MagicMock

import pytest
from structlog.testing import capture_logs

from tests.support.waiting import eventually
from waybill.ledger import Nowhere, Transactions
from waybill.outbox import Pending, Relay, RelayPolicy
from waybill.store import create_engine, reason_of
from waybill.topics import Topics


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (
            'connection to server at "db.hush" (10.0.0.7), port 5432 failed: Connection refused',
            "connection to server at …, port 5432 failed: Connection refused",
        ),
        (
            'connection to server at "::1" (::1), port 1 failed: FATAL: no password for user "hush"',
            "connection to server at …, port 1 failed: FATAL: no password for user …",
        ),
        (
            'FATAL: no pg_hba.conf entry for host "10.0.0.7", user "hush", database "hush", no encryption',
            "FATAL: no pg_hba.conf entry for host …, user …, database …, no encryption",
        ),
        (
            "failed to resolve host 'db.hush': Name or service not known",
            "failed to resolve host …: Name or service not known",
        ),
        (
            "server closed the connection unexpectedly: the server's process ended",
            "server closed the connection unexpectedly: the server's process ended",
        ),
        ('could not translate host name "hush" to address', "could not translate host name … to address"),
    ],
)
def test_the_reason_stays_and_the_names_go(reason: str, shown: str) -> None:
    assert reason_of(Exception(reason)) == shown


def test_the_relay_logs_the_reason_and_no_names() -> None:
    engine = create_engine("postgresql://hush@127.0.0.1:1/hush", application="hush")
    relay = Relay(
        Transactions(engine, Topics(), Nowhere()),
        Pending(),
        MagicMock(),
        RelayPolicy(pause=timedelta(0)),
    )

    with capture_logs() as lines:
        relay.start()
        eventually(lambda: bool(lines), "the reason")
        assert relay.stop(timedelta(seconds=10))

    assert all("Connection refused" in line["reason"] for line in lines)
    assert not re.search("hush|127", str(lines))
