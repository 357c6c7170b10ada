"""What librdkafka says, without the names and addresses of hosts: the settings have those."""

import logging
import re

from confluent_kafka import KafkaError, KafkaException

_HOST = re.compile(r"(?<![\w.-])(?:\[[\w.:%]+\]|[\w.-]+):\d{1,5}(?!\w|\.\w)")
"""With its port, as in `kafka-0.hush:9092/1` or `ipv6#[::1]:9092`."""


def reason_of(error: KafkaError | KafkaException) -> str:
    """Its text. The broker's id stays: `…/1: Connect to ipv4#… failed`."""
    cause = error.args[0] if isinstance(error, KafkaException) and error.args else error
    return _without_hosts(cause.str() if isinstance(cause, KafkaError) else str(cause))


class WithoutHosts(logging.Filter):
    """Takes them from each line of a logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _without_hosts(record.getMessage()), ()
        return True


def _without_hosts(text: str) -> str:
    return _HOST.sub("…", text)
