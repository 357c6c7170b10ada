"""Why the database is away, without the names that libpq and PostgreSQL quote."""

from unittest.mock import MagicMock

import pytest
from structlog.testing import capture_logs

from waybill.outbox import PendingKeys, Relay
from waybill.store import StoreUnavailable, reason_of


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
    def fail() -> None:
        cause = OSError('connection to server at "db.hush" (10.0.0.7), port 5432 failed: Connection refused')
        raise StoreUnavailable("The database is unavailable.") from cause

    with capture_logs() as lines:
        assert not Relay(MagicMock(), PendingKeys(), MagicMock())._guarded(fail)

    assert [line["reason"] for line in lines] == [
        "connection to server at …, port 5432 failed: Connection refused"
    ]
