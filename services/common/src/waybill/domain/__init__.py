"""The lifecycle of a report in plain Python: no database, no Kafka, no HTTP."""

from waybill.domain.access import ANONYMOUS, DEFAULT_TENANT, EVERYTHING, UNKNOWN_OWNER, Owner, Role, Scope
from waybill.domain.audit import Action, Actor, AuditEntry, AuditEvent
from waybill.domain.carrier import Carrier, trimmed, whole_members
from waybill.domain.failures import Failure, FailureType
from waybill.domain.identity import new_report_id, time_in
from waybill.domain.keys import KEY_PREFIX, ApiKey, Secret
from waybill.domain.lifecycle import AttemptFailure, End, Requeue, Retry
from waybill.domain.policies import EvidencePolicy, LeasePolicy, RetentionPolicy, RetryPolicy
from waybill.domain.report import (
    NORMAL_PRIORITY,
    TERMINAL,
    TRANSITIONS,
    AttemptTrace,
    Fence,
    NewReport,
    Origin,
    Progress,
    Report,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    StoredArtefact,
)

__all__ = [
    "ANONYMOUS",
    "DEFAULT_TENANT",
    "EVERYTHING",
    "KEY_PREFIX",
    "NORMAL_PRIORITY",
    "TERMINAL",
    "TRANSITIONS",
    "UNKNOWN_OWNER",
    "Action",
    "Actor",
    "ApiKey",
    "AttemptFailure",
    "AttemptTrace",
    "AuditEntry",
    "AuditEvent",
    "Carrier",
    "End",
    "EvidencePolicy",
    "Failure",
    "FailureType",
    "Fence",
    "LeasePolicy",
    "NewReport",
    "Origin",
    "Owner",
    "Progress",
    "Report",
    "Requeue",
    "RetentionPolicy",
    "Retry",
    "RetryPolicy",
    "Role",
    "Scope",
    "Secret",
    "Status",
    "StepChange",
    "StepStatus",
    "StepTaken",
    "StoredArtefact",
    "new_report_id",
    "time_in",
    "trimmed",
    "whole_members",
]
