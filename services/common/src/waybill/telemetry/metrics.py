"""Our metrics. The SDK sends them out where `OTEL_*` variables say so."""

from collections.abc import Callable, Iterable

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from waybill.telemetry import names

_meter = metrics.get_meter(names.SCOPE)

_messages = _meter.create_counter(
    names.WORKER_MESSAGES,
    unit="{message}",
    description="Messages read from the topic report, by outcome.",
)
_queue_time = _meter.create_histogram(
    names.REPORT_QUEUE_TIME,
    unit="s",
    description="From a command's time stamp to its receipt.",
    explicit_bucket_boundaries_advisory=[0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800, 7200],
)

_trimmed = _meter.create_counter(
    names.DEAD_LETTER_TRIMMED,
    unit="By",
    description="Bytes of unreadable messages that are not stored, by the limit they were beyond.",
)

_refused = _meter.create_counter(
    names.LIMITS_REFUSED,
    unit="{request}",
    description="Requests and streams that were refused, by the limit that left no room for them.",
)

_tries = _meter.create_counter(
    names.WEBHOOK_TRIES,
    unit="{request}",
    description="Tries to call a webhook, by what has become of the delivery.",
)

_lines_dropped = _meter.create_counter(
    names.LOG_LINES_DROPPED,
    unit="{line}",
    description="Lines that jobs have printed or logged, and that are not kept.",
)


def count_message(outcome: str) -> None:
    """A message that the worker has processed."""
    _messages.add(1, {names.OUTCOME: outcome})


def count_trimmed(limit: str, bytes_: int) -> None:
    """Bytes of a message that are not stored because of a limit: `letter` or `total`."""
    _trimmed.add(bytes_, {names.LIMIT: limit})


def count_refused(limit: str) -> None:
    """A request for which a limit of its owner or tenant leaves no room."""
    _refused.add(1, {names.LIMIT: limit})


def count_try(outcome: str) -> None:
    """A try to call a webhook: `delivered`, `failed` or `given_up`."""
    _tries.add(1, {names.OUTCOME: outcome})


def count_dropped_log_lines(lines: int) -> None:
    """Of a worker's jobs: beyond what is kept of a report, or while the database took none."""
    _lines_dropped.add(lines)


def record_queue_time(seconds: float, kind: str) -> None:
    """Of a command that led to a claim."""
    _queue_time.record(seconds, {names.REPORT_KIND: kind})


def observe_outbox_age(read: Callable[[], float | None]) -> None:
    """`read` is called whenever the metrics are; it returns seconds, or None where they are unknown now."""
    _observe(names.OUTBOX_AGE, read, "s", "How long the oldest message has waited to be published.")


def observe_waiting_reports(read: Callable[[], int | None]) -> None:
    """As `observe_outbox_age`; None in all processes but one."""
    description = "Reports that wait for a slot; at most 100,000 are counted."
    _observe(names.REPORTS_WAITING, read, "{report}", description)


def _observe(name: str, read: Callable[[], float | None], unit: str, description: str) -> None:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        value = read()
        if value is not None:
            yield Observation(value)

    _meter.create_observable_gauge(name, callbacks=[observe], unit=unit, description=description)
