"""The database's schema, as the migrations leave it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from tests.support.database import Database
from waybill.domain import new_report_id
from waybill.store import check_schema
from waybill.store.migrate import migrate
from waybill.store.tables import metadata


def test_the_migrations_lead_to_the_tables_that_the_code_knows(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                # PostgreSQL writes its expression in another way; that it is ours, test_periodic_plans shows
                "include_object": lambda _, name, *__: name != "reports_awaits_idx",
            },
        )
        assert compare_metadata(context, metadata) == []


def test_they_may_run_again_and_at_once(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        reached = set(pool.map(lambda _: migrate(database.engine), range(4)))

    assert len(reached) == 1
    check_schema(database.engine)


@pytest.mark.parametrize(
    "values",
    [
        {"status": "asleep"},
        {"status": "processing"},
        {"status": "done"},
        {"lease_owner": "me", "lease_expires_at": "2026-01-01", "status": "init"},
        {"finished_at": "2026-01-01"},
    ],
    ids=["unknown status", "no lease", "no end", "a lease without work", "an end without being ended"],
)
def test_the_database_refuses_a_report_that_cannot_be(values: dict[str, str], database: Database) -> None:
    names = ", ".join(["id", "kind", "parameters", *values])
    places = ", ".join([":id", "'dowork'", "'{}'", *(f":{name}" for name in values)])

    with pytest.raises(IntegrityError):
        database.execute(f"INSERT INTO reports ({names}) VALUES ({places})", id=new_report_id(), **values)  # noqa: S608
