"""What a webhook gets: the report, as the API shows it."""

from datetime import datetime

from pydantic import BaseModel

from producer_api.resources import ReportResource, report_resource
from waybill.domain import Report


class WebhookEvent(BaseModel):
    """As Standard Webhooks has it. `type` is `report.done`, `report.fail` or `report.cancelled`."""

    type: str
    timestamp: datetime
    data: ReportResource


def payload(report: Report, root: str) -> str:
    """JSON. `report` is as it was at its end, so that each try sends the same; `root` stands before its
    addresses."""
    event = WebhookEvent(
        type=f"report.{report.status}",
        timestamp=report.finished_at or report.updated_at,
        data=report_resource(report, root=root),
    )
    return event.model_dump_json(exclude={"data": {"webhook"}})
