"""Every name of ours that appears in a trace or among the metrics, declared once.

The span names are those of the article that Waybill started from.
"""

SCOPE = "waybill"
"""The instrumentation scope of every span and metric that is ours."""

REQUEST_ROUTE = "POST /api/v1/reports"
"""The SERVER span of Flask's auto-instrumentation, the only one that is not ours."""
REPORT_REQUEST = "report_request"
"""INTERNAL, in the producer-api: the request is checked; the transaction."""
REPORT_PRODUCER = "report_producer"
"""PRODUCER, in any process's relay: publishing a command, until the broker's acknowledgement."""
REPORT_CONSUMER = "report_consumer"
"""CONSUMER, in the report-worker: from the claim to the attempt's end. Child of report_producer, and
linked to it."""
HANDLE_REPORT = "handle_report"
"""INTERNAL, in the report-worker: one attempt, with a link to the attempt before it. Its children are the
kind's steps, each by its own name."""
REFUSAL = "refusal"
"""INTERNAL, in the producer-api: a problem that was answered outside of any span."""

WEBHOOK_DELIVERY = "webhook_delivery"
"""CLIENT, in the producer-api: one try to call a report's webhook, a child of the request's span."""

SPINE = (REQUEST_ROUTE, REPORT_REQUEST, REPORT_PRODUCER, REPORT_CONSUMER, HANDLE_REPORT)
"""The spans from the request to the steps, each the parent of the next."""

REPORT_ID = "report.id"
REPORT_KIND = "report.kind"
REPORT_DEFINITION = "report.definition.digest"
"""On report_request and handle_report of a kind that is a definition: the SHA-256 of its text, in hex."""
REPORT_ATTEMPT = "report.attempt"
REPORT_STATUS = "report.status"
"""On handle_report: the status in which the attempt left the report."""
REPORT_RERUN_OF = "report.rerun_of"
"""On report_request, and on its link to that report's trace: the report that it repeats."""
REPORT_CLAIM = "report.claim"
"""On report_consumer: `refused` where the report did not wait for an attempt, `postponed` where it must run
alone and others ran."""
QUEUE_TIME = "report.queue_time_ms"
"""On report_consumer: from the message's time stamp to its receipt, in milliseconds, at least 0."""

LAST_SIGN = "report.last_sign"
"""On an attempt whose worker was lost, as the database knows it: when its last change was, as ISO 8601."""
STEP_ROWS = "report.step.rows"
"""On the step of a query: the rows of its result."""
STEP_BYTES = "report.step.bytes"
"""On the step of a query: the bytes of its result's file."""
STEP_SOURCE = "report.step.source"
"""On the step of a query: the configured source that it reads, or `results`."""
REPORT_STEP = "report.step"
LOG_LOGGER = "log.logger"
"""Of what jobs print and log, where it is sent as log records."""

STEP_REUSED = "report.step.reused"
"""True on a step that did not run: its result is that of an earlier attempt, to whose span it has a link."""
STEP_REUSED_FROM = "report.step.reused_from_attempt"
"""Beside it: the attempt."""

LOG_EVENT = "log"
"""The article's event on a step that failed, with `LOG_SEVERITY` and `LOG_MESSAGE`."""
LOG_SEVERITY = "log.severity"
LOG_MESSAGE = "log.message"

OUTBOX_AGE = "waybill.outbox.age"
REPORTS_WAITING = "waybill.reports.waiting"
WORKER_MESSAGES = "waybill.worker.messages"
REPORT_QUEUE_TIME = "waybill.report.queue_time"
DEAD_LETTER_TRIMMED = "waybill.dead_letter.trimmed"
LIMITS_REFUSED = "waybill.limits.refused"
WEBHOOK_TRIES = "waybill.webhook.tries"
LOG_LINES_DROPPED = "waybill.report.log_lines.dropped"
OUTCOME = "outcome"
"""On `WORKER_MESSAGES`: `claimed`, `refused`, `postponed`, or the reason of a dead letter. On
`WEBHOOK_TRIES`: the delivery's status after it."""
LIMIT = "limit"
"""On `DEAD_LETTER_TRIMMED`: `letter` or `total`, the limit that the bytes were beyond. On `LIMITS_REFUSED`:
the limit that left no room, as `queued`."""
