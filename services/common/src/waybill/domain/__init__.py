"""The life of a report in plain Python: no database, no Kafka, no HTTP."""

from waybill.domain.carrier import Carrier
from waybill.domain.identity import new_report_id
from waybill.domain.policies import LeasePolicy, RetentionPolicy, RetryPolicy
from waybill.domain.report import (
    TERMINAL,
    TRANSITIONS,
    AttemptTrace,
    Failure,
    Fence,
    NewReport,
    Origin,
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
    "AttemptTrace",
    "Carrier",
    "Failure",
    "Fence",
    "LeasePolicy",
    "NewReport",
    "Origin",
    "Progress",
    "Report",
    "RetentionPolicy",
    "RetryPolicy",
    "Status",
    "StepChange",
    "StepStatus",
    "StoredArtefact",
    "new_report_id",
]
