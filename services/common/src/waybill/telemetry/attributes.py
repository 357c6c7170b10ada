"""OpenTelemetry's messaging attributes (semconv 1.44), which all stand on a span from its creation."""

from contextlib import suppress

from opentelemetry.semconv._incubating.attributes import messaging_attributes as messaging
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.util.types import AttributeValue

from waybill.addresses import Address, NotAnAddress
from waybill.telemetry import names

SEND, PROCESS = "send", "process"


def message_attributes(
    operation: str,
    topic: str,
    *,
    client_id: str,
    bootstrap_servers: str = "",
    report_id: str | None = None,
    key: str | None = None,
    group: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
) -> dict[str, AttributeValue]:
    """`operation` is `SEND` or `PROCESS`; what is not known yet is left out. Of several bootstrap servers,
    the first stands for all."""
    server = _first_address(bootstrap_servers)
    known: dict[str, AttributeValue | None] = {
        messaging.MESSAGING_SYSTEM: "kafka",
        messaging.MESSAGING_OPERATION_NAME: operation,
        messaging.MESSAGING_OPERATION_TYPE: operation,
        messaging.MESSAGING_DESTINATION_NAME: topic,
        messaging.MESSAGING_CLIENT_ID: client_id,
        messaging.MESSAGING_MESSAGE_CONVERSATION_ID: report_id,
        messaging.MESSAGING_KAFKA_MESSAGE_KEY: key,
        messaging.MESSAGING_CONSUMER_GROUP_NAME: group,
        messaging.MESSAGING_DESTINATION_PARTITION_ID: None if partition is None else str(partition),
        messaging.MESSAGING_KAFKA_OFFSET: offset,
        SERVER_ADDRESS: server.host or None if server else None,
        SERVER_PORT: server.port if server and server.host else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _first_address(bootstrap_servers: str) -> Address | None:
    """librdkafka takes `broker`, `broker:9092`, `[::1]:9092`, and a protocol before them."""
    first = bootstrap_servers.partition(",")[0].strip().rpartition("://")[2]
    with suppress(NotAnAddress):
        return Address.parse(first)
    return None


def delivered(partition: int | None, offset: int | None) -> dict[str, AttributeValue]:
    """What the broker's acknowledgement adds to a producer's span."""
    known = {
        messaging.MESSAGING_DESTINATION_PARTITION_ID: None if partition is None else str(partition),
        messaging.MESSAGING_KAFKA_OFFSET: offset,
    }
    return {name: value for name, value in known.items() if value is not None}


def conversation(report_id: str) -> dict[str, AttributeValue]:
    """What a consumer's span learns when it has read its message."""
    return {messaging.MESSAGING_MESSAGE_CONVERSATION_ID: report_id, names.REPORT_ID: report_id}
