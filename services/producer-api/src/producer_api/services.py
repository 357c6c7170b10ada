"""What a producer-api process is made of."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Engine

from producer_api.policies import StreamPolicy
from producer_api.settings import ApiSettings
from producer_api.status_hub import StatusHub
from waybill.artefacts import ArtefactStore
from waybill.kafka import producer
from waybill.kinds import Registry, load_registry
from waybill.ledger import DeadLetterOffice, Ledger, Recorder, Upkeep
from waybill.outbox import Relay
from waybill.outbox.publisher import Publisher
from waybill.settings import instance_name
from waybill.store import create_engine
from waybill.upkeeper import Upkeeper, UpkeepPolicy

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Services:
    """Everything a request may need; made after gunicorn's fork, one for each process."""

    engine: Engine
    ledger: Ledger
    dead_letters: DeadLetterOffice
    upkeep: Upkeep
    upkeeper: Upkeeper
    kinds: Registry
    artefacts: ArtefactStore
    hub: StatusHub
    relay: Relay
    stream: StreamPolicy
    most_body_bytes: int

    def start(self) -> None:
        """Starts the relay, the status consumer and the upkeep, each in its thread."""
        self.relay.start(self.upkeep)
        self.hub.start()
        self.upkeeper.start()

    def drain(self) -> None:
        """Ends the open status streams; their clients reconnect elsewhere and resume."""
        self.hub.drain()

    def stop(self) -> None:
        """Publishes what is committed, and ends the threads."""
        self.upkeeper.stop()
        self.hub.stop()
        if not self.relay.stop(timedelta(seconds=5)):
            log.warning("messages stay in the outbox; another process publishes them")
        self.engine.dispose()


def build_services(settings: ApiSettings) -> Services:
    """Connects to nothing yet."""
    name = instance_name("producer-api")
    kafka = settings.kafka_config(name)
    engine = create_engine(
        str(settings.database_url), application="producer-api", pool_size=settings.database_pool_size
    )
    relay = Relay(engine, lambda: Publisher(producer(kafka), name, kafka.bootstrap_servers))
    recorder = Recorder(engine, settings.topics, relay.announce, settings.enqueue_again)
    upkeep = Upkeep(recorder, settings.retry, settings.retention)
    artefacts = ArtefactStore(settings.artefact_url)
    # Workers reap first: the spans that a reaper ends should bear their service's name.
    policy = UpkeepPolicy(every=settings.upkeep_every, reap_grace=settings.lease.time_to_live)
    return Services(
        engine=engine,
        ledger=Ledger(recorder, settings.lease),
        dead_letters=DeadLetterOffice(recorder),
        upkeep=upkeep,
        upkeeper=Upkeeper(upkeep, artefacts, settings.lease, policy),
        kinds=load_registry(),
        artefacts=artefacts,
        hub=StatusHub(kafka, settings.topics.report_status),
        relay=relay,
        stream=settings.stream,
        most_body_bytes=settings.most_body_bytes,
    )
