"""The life of a report in plain Python: no database, no Kafka, no HTTP."""

from waybill.domain.carrier import Carrier
from waybill.domain.identity import new_report_id
from waybill.domain.policies import LeasePolicy
from waybill.domain.report import (
    TERMINAL,
    TRANSITIONS,
    Failure,
    Fence,
    NewReport,
    Progress,
    Report,
    Status,
    StepChange,
    StepStatus,
    StoredArtefact,
)

__all__ = [
    "TERMINAL",
    "TRANSITIONS",
    "Carrier",
    "Failure",
    "Fence",
    "LeasePolicy",
    "NewReport",
    "Progress",
    "Report",
    "Status",
    "StepChange",
    "StepStatus",
    "StoredArtefact",
    "new_report_id",
]
