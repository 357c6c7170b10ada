"""A database in which every text that a page may show would be more than text there."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy

from producer_api.choices import choices_of
from tests.support.access import HERS, Access, Person
from tests.support.hostile_files import kept
from tests.support.hostile_texts import HIDDEN, choices, hostile
from tests.support.lifecycle_store import ORIGIN, Store
from waybill.domain import (
    Actor,
    End,
    Failure,
    FailureType,
    Fence,
    NewLogChunk,
    Owner,
    Progress,
    Report,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
)
from waybill.store import DeadLetterFilter

KIND: Final = "query:hostile"
STEP: Final = hostile("reports.progress")


@dataclass(frozen=True)
class Trace:
    """Of the report that has failed. `root`: the span of its request."""

    id: str = field(default_factory=lambda: uuid4().hex)
    root: str = field(default_factory=lambda: uuid4().hex[:16])


def filled(api: Access, store: Store, by: Person, folder: Path, trace: Trace) -> dict[str, str]:
    """The ids of what is there: of reports that failed, are done, run, wait, and are of a kind that is gone;
    of two dead letters, of a report and of a message; and of an operation."""
    services = api.services
    failed, done, running, gone = (_claimed(api, by) for _ in range(4))
    waiting = _requested(api, by, {"Idempotency-Key": HIDDEN})
    _fail(api, failed)
    services.ledger.steps(
        Fence(running.id, 1, "the test"),
        [StepTaken(StepChange(STEP, StepStatus.RUNNING), Progress(STEP, 0, 1))],
    )
    artefacts, previews = kept(api, done, folder)
    for report in (done, gone):
        services.ledger.finish(
            Fence(report.id, 1, "the test"), End(Status.DONE), artefacts if report is done else []
        )
    (letter, *_) = services.dead_letters.page(DeadLetterFilter(limit=1))
    _keep(api, by)
    store.has_worker(1)
    ids = {
        "report_id": str(failed.id),
        "done_id": str(done.id),
        "running_id": str(running.id),
        "waiting_id": waiting,
        "gone_id": str(gone.id),
        "letter_id": str(letter.id),
        "message_id": str(uuid4()),
        "operation_id": _operation(api, by),
    }
    _overwrite(store, ids, trace)
    with store.engine.begin() as connection:
        for name, rows in previews.items():
            values = {"done_id": ids["done_id"], "name": name, "rows": rows}
            connection.execute(sqlalchemy.text(_PREVIEW), values)
    return ids


def _requested(api: Access, by: Person, headers: dict[str, str] | None = None) -> str:
    body = {"kind": KIND, "parameters": {}}
    answer = api.client.post("/api/v1/reports", json=body, headers={**by.headers, **(headers or {})})
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def _claimed(api: Access, by: Person) -> Report:
    report = api.services.ledger.claim(UUID(_requested(api, by)), "the test", alone=True)
    assert report is not None
    return report


def _fail(api: Access, report: Report) -> None:
    services, fence = api.services, Fence(report.id, 1, "the test")
    for change in (
        StepChange(STEP, StepStatus.RUNNING),
        StepChange(STEP, StepStatus.FAILED, 5, hostile("report_changes.data")),
    ):
        services.ledger.steps(fence, [StepTaken(change, Progress(STEP, 0, 1))])
    line = {"at": "2026-11-28T10:00:00+00:00", "text": hostile("report_logs.records"), "step": STEP}
    lines = [{**line, "stream": "stdout"}, {**line, "stream": "log", "level": hostile("log.level")}]
    services.report_logs.write([NewLogChunk(report.id, 1, 1, lines, 300)])
    failure = Failure(FailureType.STEP_FAILED, hostile("reports.failure"), STEP)
    end = End(Status.FAIL, failure, exhausted=True, stack=hostile("dead_letters.stack"))
    services.ledger.finish(fence, end, origin=ORIGIN)


def _keep(api: Access, by: Person) -> None:
    """What people keep under names, and what a worker has read for them."""
    services = api.services
    text = hostile("parameter_sets.parameters")
    parameters = {"free": text, "lines": [text], "number": text, "period": {"first": text, "last": text}}
    services.parameter_sets.put(by.owner, KIND, hostile("parameter_sets.name"), parameters, shared=True)
    fields = dict.fromkeys(
        ("q", "status", "kind", "owner", "tag", "within", "parameter", "created_after", "created_before"),
        hostile("saved_views.fields"),
    )
    services.saved_views.put(by.owner, hostile("saved_views.name"), fields, shared=True)
    another = Owner(HERS, hostile("saved_views.owner"))
    services.saved_views.put(another, hostile("saved_views.name"), {"tag": "a"}, shared=True)
    another = Owner(HERS, hostile("parameter_sets.owner"))
    services.parameter_sets.put(another, KIND, "a", {}, shared=True)
    paused_by = Actor(Owner(HERS, hostile("kind_limits.paused_by")), "key")
    for kind in (KIND, hostile("kind_limits.kind")):
        services.kind_limits.pause(paused_by, kind, hostile("kind_limits.reason"))
    choices_of(services.kinds[KIND], services.ledger, services.choice_lists)


def _operation(api: Access, by: Person) -> str:
    form = {"action": "cancel", "filter": '{"kind": ["query:nothing"]}', "expected": "0"}
    ours = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", **by.headers}
    return api.client.post("/operations", data=form, headers=ours).headers["Location"].rpartition("/")[2]


_TEXTS: Final = (
    *("reports.owner", "reports.tags", "reports.outputs", "reports.artefacts", "reports.kind"),
    *("audit.actor", "audit.credential", "audit.action", "failure.type", "webhook_deliveries.last_error"),
    *("dead_letters.detail", "dead_letters.owner", "dead_letters.reason", "dead_letters.topic"),
    *("operations.owner", "operations.error"),
)
"""Each is a parameter of a statement below, with `_` in place of the dot."""


def _overwrite(store: Store, ids: dict[str, str], trace: Trace) -> None:
    """What rules at the edge would refuse: pages do not rely on them."""
    reason = {"report_id": ids["report_id"], "outcome": "skipped", "reason": hostile("operations.reasons")}
    values: dict[str, Any] = {
        **ids,
        **{name.replace(".", "_"): hostile(name) for name in _TEXTS},
        "hidden": hostile(HIDDEN),
        "traceparent": f"00-{trace.id}-{trace.root}-01",
        "choices": choices(),
        "parameters": json.dumps({hostile("reports.parameters"): hostile("reports.parameters")}),
        "reasons": json.dumps([reason]),
        "webhook": f"https://example.org/{hostile('reports.webhook')}",
        "key": hostile("dead_letters.key").encode(),
        "value": hostile("dead_letters.value").encode(),
    }
    with store.engine.begin() as connection:
        for statement in _STATEMENTS.strip().rstrip(";").split(";\n"):
            connection.execute(sqlalchemy.text(statement), values)


_PREVIEW: Final = """
INSERT INTO artefact_previews (report_id, attempt, filename, content) VALUES (:done_id, 1, :name, :rows)"""
_STATEMENTS: Final = """
UPDATE reports SET owner = :reports_owner, tags = ARRAY[:reports_tags], outputs = ARRAY[:reports_outputs],
  webhook = :webhook, failure = jsonb_set(failure, '{type}', to_jsonb(CAST(:failure_type AS text))),
  parameters = CAST(:parameters AS jsonb), traceparent = :traceparent
  WHERE id = :report_id;
UPDATE reports SET tags = ARRAY[:reports_tags], parameters = CAST(:parameters AS jsonb) WHERE id = :done_id;
UPDATE reports SET
  artefacts = jsonb_set(jsonb_set(artefacts, '{6,media_type}', to_jsonb(CAST(:reports_artefacts AS text))),
    '{6,output}', to_jsonb(CAST(:reports_artefacts AS text)))
  WHERE id = :done_id;
UPDATE reports SET tags = ARRAY[:reports_tags], parameters = CAST(:parameters AS jsonb)
  WHERE id = :waiting_id;
UPDATE reports SET kind = :reports_kind WHERE id = :gone_id;
UPDATE reports SET lease_owner = :hidden WHERE id = :running_id;
UPDATE reports SET source = :hidden, tracestate = :hidden WHERE id = :report_id;
INSERT INTO webhook_deliveries (report_id, version, host, status, attempts, last_error)
  SELECT id, version, :hidden, 'given_up', 1, :webhook_deliveries_last_error
  FROM reports WHERE id = :report_id;
UPDATE audit SET actor = :audit_actor, credential = :audit_credential, action = :audit_action,
  subject = :hidden;
UPDATE dead_letters SET detail = :dead_letters_detail, owner = :dead_letters_owner, source = :hidden
  WHERE id = :letter_id;
INSERT INTO dead_letters (id, reason, detail, source, topic, partition, "offset", key, value, value_size)
  VALUES (:message_id, :dead_letters_reason, :dead_letters_detail, 'report/0/1', :dead_letters_topic, 0, 1,
    :key, :value, 60);
UPDATE operations SET owner = :operations_owner, error = :operations_error, skipped = 1,
  reasons = CAST(:reasons AS jsonb), credential = :hidden WHERE id = :operation_id;
UPDATE choice_lists SET content = :choices, read_at = now();
UPDATE api_keys SET name = :hidden, created_by = :hidden;
UPDATE idempotency_keys SET key = :hidden;
UPDATE workers SET name = :hidden;
"""
