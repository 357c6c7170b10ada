"""What a producer-api process is made of."""

from collections.abc import Callable
from dataclasses import dataclass

from producer_api.policies import StreamPolicy
from producer_api.settings import ApiSettings
from producer_api.status_hub import StatusHub
from waybill.artefacts import ArtefactStore
from waybill.kinds import Registry
from waybill.ledger import DeadLetters, Ledger
from waybill.runtime import Runtime


@dataclass(frozen=True)
class Services:
    """Everything a request may need; made after gunicorn's fork, one for each process."""

    ledger: Ledger
    dead_letters: DeadLetters
    kinds: Registry
    artefacts: ArtefactStore
    hub: StatusHub
    stream: StreamPolicy
    max_body_bytes: int
    check_database: Callable[[], None]
    """Raises a `WaybillError` where the database cannot be used."""
    runtime: Runtime

    def start(self) -> None:
        """Starts the runtime and the status consumer, each in its threads."""
        self.runtime.start()
        self.hub.start()

    def drain(self) -> None:
        """Ends the open status streams; their clients reconnect elsewhere and resume."""
        self.hub.drain()

    def stop(self) -> None:
        """Publishes what is committed, and ends the threads."""
        self.hub.stop()
        self.runtime.stop()
        self.runtime.close()


def build_services(settings: ApiSettings) -> Services:
    """Connects to nothing yet."""
    runtime = Runtime(
        "producer-api",
        settings,
        pool_size=settings.database_pool_size,
        # Workers recover first: the spans that are ended then should bear their service's name.
        recovery_grace=settings.lease.time_to_live,
    )
    return Services(
        ledger=runtime.ledger,
        dead_letters=runtime.dead_letters,
        kinds=runtime.kinds,
        artefacts=runtime.artefacts,
        hub=StatusHub(runtime.kafka, settings.topics.report_status),
        stream=settings.stream,
        max_body_bytes=settings.max_body_bytes,
        check_database=runtime.check_database,
        runtime=runtime,
    )
