"""Reports from a client's side."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tests.support.database import Database
from tests.support.kafka import Record
from tests.support.waiting import eventually
from waybill_client import Report, WaybillClient

QUICK: Mapping[str, Any] = {"steps": 2, "failing_step": None, "max_step_ms": 0}
"""Parameters of a `dowork` report that ends at once, and well."""

QUICK_SPANS = (
    *("report_request", "report_producer", "report_consumer", "handle_report"),
    *("doWork:0", "doWork:1"),
)
"""The spans of its trace, besides that of the request."""


def ended(client: WaybillClient, report_id: UUID | str) -> Report:
    """The report, once it has ended."""

    def look() -> Report | None:
        report = client.show(report_id)
        return report if report.ended else None

    return eventually(look, f"the end of report {report_id}")


def run(client: WaybillClient, kind: str = "dowork", parameters: Mapping[str, Any] | None = QUICK) -> Report:
    """Requests a report and waits for its end."""
    return ended(client, client.request(kind, parameters).id)


def asked_by(database: Database, record: Record) -> UUID:
    """The report that a message of somebody else has led to, once it has."""

    def look() -> list[dict[str, Any]]:
        return database.rows(
            "SELECT id FROM reports WHERE source LIKE :source",
            source=f"report/{record.partition}/{record.offset}@%",
        )

    (row,) = eventually(look, f"a report for partition {record.partition}, offset {record.offset}")
    report_id: UUID = row["id"]
    return report_id
