"""How many rows of reports something reads."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from tests.support.lifecycle_store import Store
from waybill.store import ReportFilter


def rows_read(store: Store, wanted: ReportFilter) -> int:
    """By a page of a list."""
    return rows_read_by(store, lambda: store.ledger.page(wanted))


def rows_read_by(store: Store, act: Callable[[], object]) -> int:
    """Of the table and its indexes, by every statement of `act`."""
    executed: list[tuple[str, Any]] = []

    def note(_: Connection, __: Any, statement: str, parameters: Any, ___: Any, ____: Any) -> None:
        executed.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    read = 0
    with store.engine.connect() as connection:
        for statement, parameters in executed:
            if statement.startswith("SET LOCAL"):
                connection.exec_driver_sql(statement)
            if statement.split()[0] in ("SELECT", "WITH"):
                explained = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
                )
                read += _of_reports(explained.scalar_one()[0]["Plan"])
    return read


def _of_reports(plan: dict[str, Any]) -> int:
    """What its scans returned, and what they read in vain."""
    read = 0
    if plan.get("Relation Name") == "reports":
        found = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        read = round(found * plan["Actual Loops"])
    return read + sum(_of_reports(part) for part in plan.get("Plans", ()))
