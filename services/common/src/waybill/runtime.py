"""What a process of either service is made of, and the order in which it starts and stops."""

from datetime import timedelta

import structlog

from waybill import store
from waybill.artefacts import ArtefactStore
from waybill.kafka import KafkaHealth, producer
from waybill.kinds import load_registry
from waybill.ledger import (
    ApiKeys,
    ArtefactPreviews,
    ChoiceLists,
    DeadLetters,
    Deleting,
    Estimates,
    KindLimits,
    Ledger,
    Limits,
    Operations,
    Overview,
    ParameterSets,
    Recovery,
    ReportLogs,
    Retention,
    SavedViews,
    Transactions,
    Webhooks,
)
from waybill.maintenance import Maintenance, MaintenancePolicy
from waybill.outbox import Pending, Publisher, Relay, RelayPolicy
from waybill.settings import ServiceSettings, instance_name
from waybill.telemetry import count_trimmed

log = structlog.get_logger(__name__)

_RELAY_STOP = timedelta(seconds=5)


class Runtime:
    """Database, ledger, relay and maintenance of one process. Connects to nothing before `start`."""

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        rights: store.Rights,
        *,
        pool_size: int,
        recovery_grace: timedelta = timedelta(0),
        relay: RelayPolicy | None = None,
    ) -> None:
        """`rights`: what its role in the database needs. `pool_size`: the database connections that are kept.
        `recovery_grace`: as `MaintenancePolicy` has it."""
        self.name = instance_name(service)
        self.kafka = kafka = settings.kafka_config(self.name)
        self.kinds = load_registry()
        for broken in self.kinds.broken:
            log.error("kind cannot be used: its requests are refused", kind=broken.name, reason=broken.reason)
        self.artefacts = ArtefactStore(settings.artefact_url)
        self._engine = store.create_engine(settings.database_url, application=service, pool_size=pool_size)
        self._rights = rights
        pending = Pending()
        transactions = Transactions(self._engine, settings.topics, pending, settings.requeue_after)
        self.ledger = Ledger(transactions, settings.lease)
        self.dead_letters = DeadLetters(transactions, settings.evidence, count_trimmed)
        self.api_keys = ApiKeys(transactions)
        self.kind_limits = KindLimits(transactions)
        self.limits = Limits(transactions)
        self.parameter_sets = ParameterSets(transactions)
        self.saved_views = SavedViews(transactions)
        self.webhooks = Webhooks(transactions)
        self.report_logs = ReportLogs(transactions)
        self.choice_lists = ChoiceLists(transactions)
        self.overview = Overview(transactions)
        self.previews = ArtefactPreviews(transactions)
        self.deleting = Deleting(transactions, self.artefacts)
        self.operations = Operations(transactions, self.deleting)
        self.estimates = Estimates(transactions)
        self.publishing = publishing = KafkaHealth("publish messages")
        self._relay = Relay(
            transactions,
            pending,
            lambda: Publisher(producer(kafka, publishing), self.name, kafka.bootstrap_servers, publishing),
            relay,
        )
        self._maintenance = Maintenance(
            Recovery(transactions, settings.retry),
            Retention(transactions, settings.retention),
            self.artefacts,
            settings.lease,
            MaintenancePolicy(settings.maintenance_interval, recovery_grace=recovery_grace),
            self.lease_of_task,
        )

    def lease_of_task(self, task: str, length: timedelta) -> store.TaskLease:
        """By which one process at a time does a task, this one or another."""
        return store.TaskLease(self._engine, task, self.name, length)

    def worker_row(self, slots: int) -> store.WorkerRow:
        """By which the others know of this process, if it is a worker."""
        return store.WorkerRow(self._engine, self.name, slots, [kind.name for kind in self.kinds])

    def stream_rows(self) -> store.StreamRows:
        """By which the others know of the streams of this process, if it is an API process."""
        return store.StreamRows(self._engine, self.name)

    def start(self) -> None:
        """Starts the threads of relay and maintenance."""
        self._relay.start()
        self._maintenance.start()

    def stop(self) -> None:
        """Ends the threads, after what is committed has been published; blocks for a few seconds at most."""
        self._maintenance.stop()
        if not self._relay.stop(_RELAY_STOP):
            log.warning(
                "process stops with unpublished messages in the outbox: another process publishes them"
            )

    def close(self) -> None:
        """Closes the database connections. After `stop`."""
        self._engine.dispose()

    def check_database(self) -> None:
        """Raises a `WaybillError` where the database is away or takes no writes, its schema is not that of
        this version, or the role lacks a right. Any client may see the sentence: the reason, without host and
        user, is only logged."""
        try:
            store.check_writable(self._engine)
            store.check_schema(self._engine)
            store.check_rights(self._engine, self._rights)
        except store.StoreUnavailable as error:
            if error.__cause__ is None:
                raise
            log.warning("database not ready", reason=str(error))
            raise store.StoreUnavailable(
                "The database cannot be reached; the log of this process has the reason."
            ) from error
