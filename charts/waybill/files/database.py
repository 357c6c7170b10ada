# ruff: noqa: T201 - a Job says what it does by printing
"""`wait`: until the schema is there. `migrate`: until the database answers, then brings the schema up.

For the built-in PostgreSQL, which starts together with the pods that need it. A schema that is newer than
this version's is left alone: that is a rollback.
"""

import os
import sys
import time

from sqlalchemy import Engine

from waybill.errors import WaybillError
from waybill.store import SchemaBehind, StoreUnavailable, check_schema, create_engine, ping
from waybill.store.migrate import migrate


def until_reachable(engine: Engine, deadline: float) -> None:
    """Raises the last `StoreUnavailable` when the deadline has passed."""
    while True:
        try:
            return ping(engine)
        except StoreUnavailable as error:
            if time.monotonic() > deadline:
                raise
            print(f"Waiting: {error}", flush=True)
            time.sleep(1)


def schema_is_behind(engine: Engine) -> bool:
    try:
        check_schema(engine)
    except SchemaBehind as error:
        print(error, flush=True)
        return True
    return False


def main(what: str) -> None:
    engine = create_engine(os.environ["WAYBILL_DATABASE_URL"], application=f"database-{what}")
    until_reachable(engine, time.monotonic() + 300)
    if what == "migrate" and schema_is_behind(engine):
        print(f"The schema is at {migrate(engine)} now.", flush=True)
    while schema_is_behind(engine):
        time.sleep(1)


try:
    main(sys.argv[1])
except WaybillError as error:
    sys.exit(str(error))
