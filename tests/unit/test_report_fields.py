"""One list of a report's fields: from the column to the client nothing is copied by hand."""

from dataclasses import fields

import waybill_client as client
from producer_api.resources import ReportResource
from waybill.domain import Report
from waybill.messages import StatusEvent
from waybill.store.statements import _rows
from waybill.store.tables import reports

MADE_BY_THE_API = {"links", "kind_paused"}
OF_THE_CHANGE = {"schema_version", "report_id", "type", "at", "step", "waited", "worker_lost"}


def client_names() -> set[str]:
    """What `Report.client_view` has."""
    return {field.name for field in fields(Report)} | {"error", "trace_id", "tenant"}


def test_every_field_is_a_column_or_is_converted_from_one() -> None:
    columns = set(reports.c.keys())

    assert set(_rows._PLAIN) <= columns
    assert set(_rows._PLAIN) | set(_rows._CONVERTED) == {field.name for field in fields(Report)}


def test_resources_and_events_take_what_the_report_has() -> None:
    assert set(ReportResource.model_fields) - MADE_BY_THE_API <= client_names()
    assert set(StatusEvent.model_fields) - OF_THE_CHANGE <= client_names()


def test_the_client_reads_what_the_api_answers() -> None:
    assert set(client.Report.model_fields) <= set(ReportResource.model_fields)
