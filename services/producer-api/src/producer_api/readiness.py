"""What the probes answer."""

from collections.abc import Callable

import structlog

from producer_api.status_hints import StatusHints
from producer_api.status_hub import StatusHub
from waybill.errors import WaybillError
from waybill.health import OK, Health
from waybill.kafka import KafkaHealth

log = structlog.get_logger(__name__)


class Readiness:
    """`check_database` raises a `WaybillError` if the database cannot be used."""

    def __init__(
        self,
        check_database: Callable[[], None],
        hub: StatusHub,
        hints: StatusHints,
        publishing: KafkaHealth,
    ) -> None:
        self._check_database = check_database
        self._hints = hints
        self._hub = hub
        self._publishing = publishing

    def alive(self) -> Health:
        """The process responds."""
        return Health({})

    def ready(self) -> Health:
        """Whether the process can accept reports, and which parts are down.

        Not without the database, nor while the process drains. Without Kafka it is, since accepted reports
        wait in the outbox; Kafka is then listed as missing.
        """
        parts = {"database": self._database(), "kafka": self._kafka()}
        if self._hub.draining:
            parts["process"] = "draining: another one takes the requests"
        return Health(parts, optional=frozenset({"kafka"}))

    @property
    def kafka_answers(self) -> bool:
        """Whether what this process asks of Kafka is done; blocks on nothing."""
        return self._kafka() == OK

    def _kafka(self) -> str:
        problem = self._hints.problem or self._publishing.problem
        return f"unavailable: reports are accepted and wait in the outbox. {problem}" if problem else OK

    def _database(self) -> str:
        try:
            self._check_database()
        except WaybillError as error:
            return str(error)
        return OK
