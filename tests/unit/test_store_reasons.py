"""Why the database is away, without the names that libpq and PostgreSQL quote."""

import pytest

from waybill.store.engine import _without_names


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
    assert _without_names(reason) == shown
