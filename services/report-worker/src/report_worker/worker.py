"""The worker: its parts, and the order in which they start and stop."""

import os
import signal
import socket
import sys
import threading
import time
from datetime import timedelta
from types import FrameType

import structlog

from report_worker.attempt import AttemptContext
from report_worker.cancellations import Cancellations
from report_worker.choice_lists import ChoiceReader
from report_worker.claims import Claims
from report_worker.command_queue import CommandQueue
from report_worker.consuming import CommandConsumer
from report_worker.intake import Intake
from report_worker.memory import container_limit_mib, excess
from report_worker.output import JobOutput
from report_worker.presence import Presence
from report_worker.runner import Runners
from report_worker.scratch import Scratch
from report_worker.settings import WorkerSettings
from report_worker.slots import ForkServer, Options
from report_worker.slots.environment import slot_environment, telemetry_secrets
from waybill.addresses import CannotListen, listen
from waybill.errors import WaybillError
from waybill.health import Health, HealthServer
from waybill.kafka import (
    GroupMembership,
    KafkaHealth,
    PartitionWatchdog,
    ask_kafka,
    consumer,
    is_reachable,
)
from waybill.kafka.clients import SMALL_FETCHES, group_protocol
from waybill.logs import configure_logs
from waybill.outbox import RelayPolicy
from waybill.prctl import hide_from_own_user
from waybill.runtime import Runtime
from waybill.settings import load
from waybill.store import rights
from waybill.telemetry import count_dropped_log_lines, emit_job_record, flush, sdk_is_started

log = structlog.get_logger(__name__)

_STALLED_SECONDS = 60
_RELEASE_SECONDS = 10
_DELETE_AFTER = timedelta(seconds=1)
_CHOICES_LEASE = timedelta(seconds=30)
"""Of what it has published: as a rule a change of the same worker comes before."""

_TURN_SECONDS = 0.0005
"""After which a thread that runs Python code lets another one. By default these are 5 ms: as long as a report
with one step takes."""


def main() -> None:
    """Runs until SIGTERM or SIGINT, drains, and returns."""
    hide_from_own_user()
    sys.setswitchinterval(_TURN_SECONDS)
    settings = load(WorkerSettings)
    configure_logs("report-worker", settings.log_format, settings.log_level)
    if reason := excess(settings.slots, settings.slot_memory_mib, container_limit_mib()):
        log.warning("the kernel may kill slots for memory", reason=reason)
    stopping = threading.Event()

    def stop(number: int, _: FrameType | None) -> None:
        log.info("draining", signal=signal.Signals(number).name)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        listener = listen(settings.health_listen)
    except CannotListen as error:
        sys.exit(f"report-worker: WAYBILL_HEALTH_LISTEN: {error}")
    Worker(settings, listener).run(stopping)


class Worker:
    """One report-worker process."""

    def __init__(self, settings: WorkerSettings, health_listener: socket.socket) -> None:
        """`health_listener`: where the probes are answered."""
        self._settings = settings
        # A connection for each slot, and three for the threads beside them.
        self._runtime = runtime = Runtime(
            "report-worker",
            settings,
            rights.WORKER,
            pool_size=settings.slots + 3,
            relay=RelayPolicy(delete_after=_DELETE_AFTER),
        )
        kafka = runtime.kafka
        self._cancellations = Cancellations(runtime.ledger, runtime.name)
        self._presence = Presence(runtime.worker_row(settings.slots))
        self._scratch = Scratch()
        self._interrupted = threading.Event()
        emit = emit_job_record if settings.logs_otlp and sdk_is_started() else None
        self._output = (
            JobOutput(runtime.report_logs, settings.output, count_dropped_log_lines, emit)
            if settings.output
            else None
        )
        context = AttemptContext(
            ledger=runtime.ledger,
            kinds=runtime.kinds,
            artefacts=runtime.artefacts,
            lease=settings.lease,
            retry=settings.retry,
            cancel_grace=timedelta(seconds=settings.cancel_grace_seconds),
            owner=runtime.name,
            cancellations=self._cancellations,
            scratch=self._scratch.path,
            interrupted=self._interrupted,
            output=self._output,
            previews=runtime.previews,
        )
        options = Options(
            settings.slot_memory_mib,
            settings.log_format,
            settings.log_level,
            traced=sdk_is_started(),
            secrets=telemetry_secrets(os.environ),
        )
        environment = slot_environment(os.environ, settings.slot_environment)
        self._choices = ChoiceReader(
            runtime.choice_lists,
            runtime.lease_of_task("choices", _CHOICES_LEASE),
            3 * settings.maintenance_interval,
            environment,
        )
        server = ForkServer(options, environment, adopts_orphans=True)
        topic, group = settings.kafka_topic_report, settings.kafka_group
        self._commands = CommandQueue()
        claims = Claims(self._commands, Intake(runtime.ledger, runtime.dead_letters, kafka, group))
        self._runners = Runners(context, claims, server, settings.slots, settings.reports_per_slot)
        consuming = KafkaHealth("read commands", topic=topic, group=group)
        self._membership = membership = GroupMembership(kafka, topic, group, consuming)
        protocol = group_protocol(settings.kafka_group_protocol)
        client_settings = {**protocol, **SMALL_FETCHES, **consuming.settings()}
        self._consumer = CommandConsumer(
            lambda watchdog: consumer(
                kafka, group, **client_settings, **watchdog.settings(membership.update)
            ),
            lambda: is_reachable(kafka),
            topic,
            consuming,
            PartitionWatchdog(ask_kafka(kafka, topic, group)),
            self._commands,
            self._presence.has_partitions,
        )
        self._health = HealthServer(
            health_listener, lambda: Health(self._alive()), lambda: Health(self._ready())
        )

    def run(self, stopping: threading.Event) -> None:
        """Consumes until `stopping`; then drains: leaves the group, lets the running reports end or releases
        them, publishes, and sends out the spans."""
        self._runtime.start()
        self._cancellations.start()
        if self._output:
            self._output.start()
        self._health.start()
        self._runners.start(stopping)
        self._presence.start()
        self._choices.start()
        log.info("ready", slots=self._settings.slots)
        try:
            self._consumer.run(stopping)
        finally:
            stopping.set()
            self._drain()

    def _drain(self) -> None:
        self._commands.stop()
        self._presence.stop()
        self._choices.stop()
        if not self._commands.wait_until_idle(self._settings.drain):
            log.warning("releasing reports that still run", reports=self._commands.busy)
            self._interrupted.set()
            self._commands.wait_until_idle(timedelta(seconds=_RELEASE_SECONDS))
        self._cancellations.stop()
        self._runtime.stop()
        self._runners.close()
        if self._output:
            self._output.stop()
        self._scratch.close()
        self._health.stop()
        self._runtime.close()
        flush()
        log.info("drained")

    def _alive(self) -> dict[str, str]:
        silent = time.monotonic() - self._consumer.last_poll
        missing = self._runners.missing
        return {
            "consumer": "ok" if silent < _STALLED_SECONDS else f"has not polled for {silent:.0f} s",
            "slots": f"{missing} could not be opened" if missing else "ok",
        }

    def _ready(self) -> dict[str, str]:
        """Ready means able to write, and to read as a member of the group: else no command comes."""
        kafka = self._membership.problem() or self._consumer.problem or self._runtime.publishing.problem
        parts = {**self._alive(), "database": "ok", "kafka": kafka or "ok"}
        try:
            self._runtime.check_database()
        except WaybillError as error:
            parts["database"] = str(error)
        return parts
