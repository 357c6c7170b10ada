"""Intake: makes of each message a claimed report, a dead letter, or nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from operator import methodcaller
from typing import TypeAlias
from uuid import UUID

import structlog
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message
from opentelemetry.trace import Span, set_span_in_context

from report_worker.isolation import postponed_for
from waybill.domain import AttemptTrace, Carrier, NewReport, Origin, Report, Status, lifecycle, new_report_id
from waybill.kafka import KafkaConfig
from waybill.kinds.dowork import DOWORK
from waybill.ledger import DeadLetters, Ledger, UnreadMessage
from waybill.messages import BareCarrier, UnreadableMessage, carrier_from_headers, read_command
from waybill.telemetry import (
    attributes,
    consumer_span,
    count_message,
    fail_span,
    handle_span,
    names,
    record_queue_time,
    span_carrier,
    valid_carrier,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Claimed:
    """A report that this worker has an attempt at. Neither span has ended: `span`, report_consumer's, and
    `handle`, handle_report's below it. `stored`: recovery ends both where the attempt is lost."""

    report: Report
    span: Span
    handle: Span
    origin: Origin
    stored: bool


@dataclass(frozen=True)
class NeedsIdleWorker:
    """A report that must run alone, while others run in this worker. It has waited for `waited` by the
    database's clock; this host's may be wrong."""

    report_id: UUID
    waited: timedelta


Processed: TypeAlias = Claimed | NeedsIdleWorker | None


class Intake:
    """Reads messages of the topic `report`. Any thread may call it; each call but `begin` may block on the
    database."""

    def __init__(self, ledger: Ledger, dead_letters: DeadLetters, kafka: KafkaConfig, group: str) -> None:
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._owner = kafka.client_id
        self._bootstrap_servers = kafka.bootstrap_servers
        self._group = group

    def begin(self, message: Message, *, alone: bool, read_at: int = 0) -> Callable[[], Processed]:
        """Begins to process a message, and does not block. `alone`: no other report runs in this worker.
        `read_at`: when this worker read it, in nanoseconds since 1970.

        What it returns is to be called once. That blocks on the database, and returns None where there is
        nothing to do: another worker has the report, or the message cannot be read. Whatever this process
        writes before the call takes the claim with it. It raises `StoreUnavailable`; the message may then be
        begun again, as where an idle worker is needed. After any other return its offset may be committed.
        """
        received = _Received.of(message, read_at)
        try:
            parsed = read_command(message.key(), message.value())
        except UnreadableMessage as unreadable:
            error = unreadable
            return lambda: self._refuse(received, error)
        if isinstance(parsed, BareCarrier):
            return lambda: self._claim_external(received, parsed, alone)
        return self._begin(received, parsed.report_id, valid_carrier(parsed.carrier), time.time_ns(), alone)

    def postpone(self, needs: NeedsIdleWorker) -> None:
        """Others have their turn first; after that the report gets another command. Raises
        `StoreUnavailable`."""
        self._ledger.postpone(needs.report_id, postponed_for(needs.waited))
        log.info("report postponed: it must run alone, and others run", report_id=str(needs.report_id))

    def give_up(self, message: Message, error: Exception) -> None:
        """Keeps a message as a dead letter that cannot be processed. Raises `StoreUnavailable`."""
        reason = f"{type(error).__qualname__}: {error}".partition("\n")[0]
        self._refuse(
            _Received.of(message),
            UnreadableMessage("not_processable", f"Processing the message fails each time: {reason:.500}"),
        )

    def _claim_external(self, received: "_Received", carrier: BareCarrier, alone: bool) -> Processed:
        """A message of the article's producer: it requests a report, once for each message."""
        started_at = time.time_ns()
        parent = received.carrier or valid_carrier(carrier.carrier)
        try:
            accepted = self._accept(received, parent)
        except Exception as error:
            _end_failed(self._span(received, parent, started_at), error)
            raise
        return self._begin(received, accepted.id, parent, started_at, alone)()

    def _begin(
        self, received: "_Received", report_id: UUID, carrier: Carrier | None, started_at: int, alone: bool
    ) -> Callable[[], Processed]:
        """`carrier`: of the span that is the parent, where the message's headers name none."""
        parent = received.carrier or carrier
        span = self._span(received, parent, started_at)
        try:
            span.set_attributes(attributes.conversation(str(report_id)))
            handle_started_at = time.time_ns()
            handle = handle_span(set_span_in_context(span), str(report_id), start_time=handle_started_at)
            spans = self._spans_to_store(received, parent, (span, started_at), (handle, handle_started_at))
            ours = span_carrier(span) if spans is None else spans.report_consumer
            claim = self._ledger.begin_claim(report_id, self._owner, ours, spans, alone=alone)
        except Exception as error:
            _end_failed(span, error)
            raise

        def finish() -> Processed:
            try:
                report = claim.result()
                if report is None:
                    return self._not_claimed(report_id, received, span, alone)
            except Exception as error:
                _end_failed(span, error)
                raise
            count_message("claimed")
            record_queue_time(received.queue_time_ms / 1000, report.kind)
            return Claimed(report, span, handle, received.origin, stored=spans is not None)

        return finish

    def _spans_to_store(
        self,
        received: "_Received",
        parent: Carrier | None,
        consumer: tuple[Span, int],
        handle: tuple[Span, int],
    ) -> AttemptTrace | None:
        """What recovery needs to end both spans, each with its start; None where they are not valid."""
        consumer_carrier, handle_carrier = span_carrier(consumer[0]), span_carrier(handle[0])
        if not (consumer_carrier and handle_carrier):
            return None
        return AttemptTrace(
            origin=received.origin,
            parent=parent,
            report_consumer=consumer_carrier,
            report_consumer_start=consumer[1],
            queue_time_ms=received.queue_time_ms,
            handle_report=handle_carrier,
            handle_report_start=handle[1],
            client_id=self._owner,
            group=self._group,
            bootstrap_servers=self._bootstrap_servers,
            published_at=received.published_at,
            read_at=received.read_at,
        )

    def _not_claimed(
        self, report_id: UUID, received: "_Received", span: Span, alone: bool
    ) -> NeedsIdleWorker | None:
        """Another worker has the report, or has had it; or there is none; or it must run alone; or its kind
        is paused: then it waits, and this command is done with."""
        found = self._ledger.get_with_age(report_id)
        needs = None
        if found is None:
            unknown = UnreadableMessage("no_such_report", f"No report has the id {report_id}.")
            self._keep(received, unknown, span)
        else:
            report, waited = found
            waits = report.status is Status.INIT and not report.awaits_kind
            if waits and lifecycle.must_run_alone(report) and not alone:
                needs = NeedsIdleWorker(report_id, waited)
            else:
                # Refused nevertheless: its kind is paused, or it has got another command since.
                waits = waits and self._ledger.let_wait(report_id)
            outcome = "postponed" if needs or waits else "refused"
            span.set_attribute(names.REPORT_CLAIM, outcome)
            count_message(outcome)
        span.end()
        return needs

    def _accept(self, received: "_Received", carrier: Carrier | None) -> Report:
        defaults = DOWORK.stored_parameters({})
        return self._ledger.accept_external(
            NewReport(new_report_id(), DOWORK.name, defaults, carrier, received.source)
        )

    def _refuse(self, received: "_Received", error: UnreadableMessage) -> None:
        span = self._span(received, received.carrier, time.time_ns())
        try:
            self._keep(received, error, span)
        finally:
            span.end()

    def _keep(self, received: "_Received", error: UnreadableMessage, span: Span) -> None:
        """As a dead letter."""
        fail_span(span, error.reason, str(error))
        self._dead_letters.keep(received.unread(), error)
        count_message(error.reason)
        log.warning(
            "message cannot be processed: stored as a dead letter",
            reason=error.reason,
            detail=str(error),
            source=received.source,
        )

    def _span(self, received: "_Received", carrier: Carrier | None, started_at: int) -> Span:
        return consumer_span(
            carrier,
            received.message.topic() or "",
            client_id=self._owner,
            bootstrap_servers=self._bootstrap_servers,
            group=self._group,
            key=received.key_text,
            partition=received.partition,
            offset=received.offset,
            queue_time_ms=received.queue_time_ms,
            start_time=started_at,
        )


def _end_failed(span: Span, error: Exception) -> None:
    fail_span(span, type(error).__qualname__, str(error))
    span.end()


@dataclass(frozen=True)
class _Received:
    """A message, with what is read from it more than once."""

    message: Message
    partition: int
    offset: int
    timestamp_ms: int
    queue_time_ms: int
    carrier: Carrier | None
    published_at: int
    """In nanoseconds since 1970, as `read_at`; 0 where it is not known."""
    read_at: int

    @classmethod
    def of(cls, message: Message, read_at: int = 0, now: Callable[[], float] = time.time) -> "_Received":
        sort, stamp = message.timestamp()
        waited = 0 if sort == TIMESTAMP_NOT_AVAILABLE else max(0, round(now() * 1000) - stamp)
        return cls(
            message,
            -1 if (partition := message.partition()) is None else partition,
            -1 if (offset := message.offset()) is None else offset,
            stamp,
            waited,
            valid_carrier(carrier_from_headers(_headers(message))),
            0 if sort == TIMESTAMP_NOT_AVAILABLE else stamp * 1_000_000,
            read_at,
        )

    @property
    def source(self) -> str:
        """Names the message among all: after a loss of Kafka's data offsets restart, but times do not."""
        return f"{self.message.topic()}/{self.partition}/{self.offset}@{self.timestamp_ms}"

    @property
    def key_text(self) -> str | None:
        key = self.message.key()
        return key.decode(errors="replace") if isinstance(key, bytes) else key

    def unread(self) -> UnreadMessage:
        return UnreadMessage(
            source=self.source,
            origin=self.origin,
            key=self.message.key(),
            value=self.message.value(),
            headers=_headers(self.message),
            carrier=self.carrier,
        )

    @property
    def origin(self) -> Origin:
        return Origin(self.message.topic() or "", self.partition, self.offset)


# Not `message.headers()`: after many calls CPython takes its result for one although an exception is set.
_read_headers = methodcaller("headers")


def _headers(message: Message) -> list[tuple[str, bytes | str | None]]:
    """None where a name is not UTF-8: confluent-kafka then makes a list that must not be read."""
    try:
        headers = _read_headers(message) or []
    except (UnicodeDecodeError, SystemError):
        message.set_headers([])
        return []
    return list(headers.items() if isinstance(headers, dict) else headers)
