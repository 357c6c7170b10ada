"""The database's address is read as libpq reads it; ours are merged, and nothing is dropped silently."""

import pytest

from waybill.database_url import WrongDatabaseUrl, connection_options

READ = {
    "a URL": (
        "postgresql://waybill:p%40ss@db:5433/reports",
        {"user": "waybill", "password": "p@ss", "host": "db", "port": "5433", "dbname": "reports"},
    ),
    "the short scheme": ("postgres://db/reports", {"host": "db", "dbname": "reports"}),
    "SQLAlchemy's scheme": ("postgresql+psycopg://db/reports", {"host": "db", "dbname": "reports"}),
    "a folder of sockets": (
        "postgresql:///reports?host=/run/postgresql",
        {"host": "/run/postgresql", "dbname": "reports"},
    ),
    "a folder as the host": ("postgresql://%2Frun%2Fpostgresql/reports", {"host": "/run/postgresql"}),
    "options": ("postgresql://db/reports?options=-c%20geqo%3Doff", {"options": "-c geqo=off"}),
    "certificates": (
        "postgresql://db/reports?sslmode=verify-full&sslrootcert=/ca.pem",
        {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    ),
    "a service": ("service=reports", {"service": "reports"}),
    "names and values": ("host=/run dbname='my reports'", {"host": "/run", "dbname": "my reports"}),
    "several hosts": (
        "postgresql://one:5432,two:5433/reports",
        {"host": "one,two", "port": "5432,5433", "target_session_attrs": "read-write"},
    ),
    "several hosts, any of them": (
        "postgresql://one,two/reports?target_session_attrs=any",
        {"target_session_attrs": "any"},
    ),
    "its own time-out and name": (
        "postgresql://db/reports?connect_timeout=30&application_name=mine&keepalives_idle=60",
        {"connect_timeout": "30", "application_name": "mine", "keepalives_idle": "60"},
    ),
}


@pytest.mark.parametrize(("address", "expected"), READ.values(), ids=READ)
def test_what_libpq_takes(address: str, expected: dict[str, str]) -> None:
    options = connection_options(address, "producer-api")

    assert expected.items() <= options.items()


def test_ours_where_the_address_has_none() -> None:
    options = connection_options("postgresql:///", "producer-api")

    assert options.keys() >= {"connect_timeout", "keepalives_idle", "tcp_user_timeout"}
    assert options["fallback_application_name"] == "producer-api"
    assert "target_session_attrs" not in options


def test_a_service_of_libpq_and_its_variables_win_over_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")
    assert "connect_timeout" not in connection_options("postgresql://db/reports")
    assert "keepalives_idle" in connection_options("postgresql://db/reports")
    assert "keepalives_idle" not in connection_options("service=reports")

    monkeypatch.setenv("PGSERVICE", "reports")
    assert "keepalives_idle" not in connection_options("postgresql://")


def test_no_option_of_the_session_is_ours_since_pgbouncer_would_refuse_it() -> None:
    assert "options" not in connection_options("postgresql://db/reports")


WRONG = {
    "an unknown option": (
        "postgresql://u:secret@db/r?sslmod=require",
        r'libpq says: invalid URI query parameter: "sslmod"',
    ),
    "an unknown name": ("host=db passwort=secret", r'libpq says: invalid connection option "passwort"'),
    "another database's scheme": ("mysql://u:secret@db/r", "libpq cannot read it; an example is"),
    "a bad escape": ("postgresql://u:secret%zz@db/r", "libpq cannot read it"),
    "spaces in a password": ("postgresql://u:secret secret@db/r", "libpq cannot read it"),
    "nothing": (" ", "must not be empty"),
    "another encoding": (
        "postgresql://u:secret@db/r?client_encoding=latin1",
        "client_encoding: must be",
    ),
}


@pytest.mark.parametrize(("address", "sentence"), WRONG.values(), ids=WRONG)
def test_what_it_does_not_is_a_sentence_that_gives_no_secret_away(address: str, sentence: str) -> None:
    with pytest.raises(WrongDatabaseUrl, match=sentence) as caught:
        connection_options(address)

    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("password", ["p\udcffss", "p%ffss"], ids=["as the environment has it", "encoded"])
def test_what_is_no_utf8_is_refused_in_a_sentence(password: str) -> None:
    with pytest.raises(WrongDatabaseUrl, match="libpq cannot read it"):
        connection_options(f"postgresql://waybill:{password}@db/waybill")
