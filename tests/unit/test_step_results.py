"""What a step's result may be reused for."""

from dataclasses import replace
from datetime import UTC, datetime

from waybill.domain import Report, Status, new_report_id, work_digest

NOW = datetime(2026, 11, 1, tzinfo=UTC)
REPORT = Report(
    id=new_report_id(),
    kind="sales",
    parameters={"month": 7, "rates": [1.5]},
    status=Status.PROCESSING,
    version=1,
    attempt=1,
    progress=None,
    failure=None,
    artefact=None,
    carrier=None,
    created_at=NOW,
    updated_at=NOW,
    started_at=None,
    finished_at=None,
)


def test_the_digest_is_the_same_for_each_attempt() -> None:
    again = replace(REPORT, attempt=7, version=30, parameters={"rates": [1.5], "month": 7})

    assert work_digest(again) == work_digest(REPORT)


def test_it_is_another_for_other_work() -> None:
    others = [
        REPORT,
        replace(REPORT, kind="rates"),
        replace(REPORT, parameters={"month": 7, "rates": [1.25]}),
        replace(REPORT, parameters={"month": "7", "rates": [1.5]}),
        replace(REPORT, parameters={}),
    ]

    assert len({work_digest(one) for one in others}) == len(others)
