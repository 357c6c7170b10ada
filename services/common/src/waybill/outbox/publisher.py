"""Publishes one batch of messages and waits for what the broker says of each."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from opentelemetry.trace import Span

from waybill.domain import Carrier
from waybill.kafka import KafkaHealth, reason_of
from waybill.messages import headers_for
from waybill.store import OutboxMessage
from waybill.telemetry import attributes, fail_span, producer_span, span_carrier

Clock = Callable[[], float]

_AGAIN_SECONDS = 5.0
"""For sending messages one by one: the transaction that holds them must not grow old meanwhile."""


@dataclass
class Published:
    """The outcome of a batch, by the messages' places in it. `refused`: the broker will never take it, with
    its reason. `doubtful`: it may have been another one of the same produce request that was refused."""

    acknowledged: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    topics: dict[str, KafkaError | None] = field(default_factory=dict)
    """Each topic of the batch, with what has kept a message from it."""

    def forget(self, place: int) -> None:
        """For a message that is sent again."""
        if place in self.acknowledged:
            self.acknowledged.remove(place)
        self.refused.pop(place, None)
        self.failed.pop(place, None)


class Publisher:
    """Owns a Producer. One thread uses it; `publish` blocks until every message has its answer."""

    def __init__(
        self,
        producer: Producer,
        client_id: str,
        bootstrap_servers: str = "",
        health: KafkaHealth | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._producer = producer
        self._client_id = client_id
        self._bootstrap_servers = bootstrap_servers
        self._health = health or KafkaHealth("relay")
        self._clock = clock

    def publish(self, batch: Sequence[OutboxMessage]) -> Published:
        """Sends `batch` in its order; each message's delivery time-out bounds the wait.

        A broker refuses a whole produce request for one message that is too large. So those of it are sent
        again, each by itself, and with them the others of their keys, for the order's sake; as many keys as
        the time allows, and the others the next time.
        """
        outcome = Published()
        for place, message in enumerate(batch):
            self._send(place, message, outcome)
        self._producer.flush()
        if len(batch) > 1 and outcome.doubtful:
            deadline = self._clock() + _AGAIN_SECONDS
            for key in dict.fromkeys(batch[place].key for place in sorted(outcome.doubtful)):
                of_key = {place: message for place, message in enumerate(batch) if message.key == key}
                self._send_again(of_key, outcome, in_time=self._clock() < deadline)
        for topic, error in outcome.topics.items():
            self._report(topic, error)
        return outcome

    def _report(self, topic: str, error: KafkaError | None) -> None:
        if error is None:
            self._health.works(topic)
            return
        if error.code() == KafkaError._MSG_TIMED_OUT:  # also where the topic does not exist
            with suppress(KafkaException):
                error = self._producer.list_topics(topic, timeout=1).topics[topic].error or error
        self._health.failed(error, topic)

    def _send_again(self, of_key: Mapping[int, OutboxMessage], outcome: Published, *, in_time: bool) -> None:
        """A key's messages one by one: all of them, or none."""
        for place, message in of_key.items():
            outcome.forget(place)
            if in_time:
                self._send(place, message, outcome)
                self._producer.flush()
            else:
                outcome.failed[place] = "It has to be sent by itself, and its turn has not come."

    def warm_up(self) -> None:
        """Makes the first message as quick as the others: reaches the brokers beforehand, if it can. Why it
        cannot is for the first message to say."""
        with suppress(KafkaException):
            self._producer.list_topics(timeout=5)

    def look_again(self) -> bool:
        """Whether every topic that could not be reached can be by now; blocks for a second where Kafka is
        away. For when there is nothing to publish that would show it."""
        with suppress(KafkaException):
            for topic in self._health.unreached:
                if self._producer.list_topics(topic, timeout=1).topics[topic].error is None:
                    self._health.works(topic)
        return not self._health.unreached

    def _send(self, place: int, message: OutboxMessage, outcome: Published) -> None:
        span = self._span(message) if message.traced else None
        carrier = (span_carrier(span) if span else None) or message.carrier
        delivery = _Delivery(place, message.topic, span, outcome)
        try:
            self._producer.produce(
                message.topic,
                key=message.key.encode(),
                value=_value(message, carrier),
                headers=headers_for(carrier),
                on_delivery=delivery,
            )
        except Exception as error:  # a full queue or a message that is too large: nothing was sent
            delivery.not_sent(error)
        self._producer.poll(0)

    def _span(self, message: OutboxMessage) -> Span:
        return producer_span(
            message.carrier,
            message.topic,
            message.key,
            client_id=self._client_id,
            bootstrap_servers=self._bootstrap_servers,
        )


_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE)


class _Delivery:
    """The broker's answer to one message."""

    def __init__(self, place: int, topic: str, span: Span | None, outcome: Published) -> None:
        self._place = place
        self._topic = topic
        self._span = span
        self._outcome = outcome

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            if error.code() in _TOO_LARGE:
                self._outcome.doubtful.add(self._place)
            self._fail(error)
            return
        self._outcome.acknowledged.append(self._place)
        self._outcome.topics.setdefault(self._topic, None)
        if self._span:
            self._span.set_attributes(attributes.delivered(message.partition(), message.offset()))
            self._span.end()

    def not_sent(self, error: Exception) -> None:
        cause = error.args[0] if error.args else None
        self._fail(cause if isinstance(cause, KafkaError) else KafkaError(KafkaError._FAIL, str(error)))

    def _fail(self, error: KafkaError) -> None:
        final = error.code() in _TOO_LARGE
        if not final:
            self._outcome.topics[self._topic] = error
        (self._outcome.refused if final else self._outcome.failed)[self._place] = reason_of(error)
        if self._span:
            fail_span(self._span, error.name(), reason_of(error))
            self._span.end()


def _value(message: OutboxMessage, carrier: Carrier | None) -> str | bytes | None:
    """The JSON, for a command with the carrier among its fields: some programs read it there."""
    if message.value is None or isinstance(message.value, str):
        return message.value
    added = carrier.as_dict() if message.traced and carrier else {}
    return json.dumps(message.value | added, separators=(",", ":")).encode()
