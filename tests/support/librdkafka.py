"""What confluent-kafka does not let Python send, sent by the library inside it."""

import ctypes
from pathlib import Path

import confluent_kafka

_PRODUCER, _SECONDS_MS = 0, 30_000
_END, _TOPIC, _VALUE, _MSGFLAGS, _HEADERS = 0, 1, 4, 7, 10
_COPY = 0x2


def send_header(bootstrap: str, topic: str, value: bytes, name: bytes) -> None:
    """One message with one header, whose name may be any bytes."""
    library = _library()
    reason = ctypes.create_string_buffer(512)
    size = ctypes.c_size_t(len(reason))
    settings = ctypes.c_void_p(library.rd_kafka_conf_new())
    assert library.rd_kafka_conf_set(settings, b"bootstrap.servers", bootstrap.encode(), reason, size) == 0
    client = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, settings, reason, size))
    assert client, reason.value
    headers = ctypes.c_void_p(library.rd_kafka_headers_new(ctypes.c_size_t(1)))
    length = ctypes.c_ssize_t
    assert library.rd_kafka_header_add(headers, name, length(len(name)), b"x", length(1)) == 0
    message = (_TOPIC, topic.encode(), _MSGFLAGS, _COPY, _VALUE, value, ctypes.c_size_t(len(value)))
    assert library.rd_kafka_producev(client, *message, _HEADERS, headers, _END) == 0
    assert library.rd_kafka_flush(client, _SECONDS_MS) == 0
    library.rd_kafka_destroy(client)


def _library() -> ctypes.CDLL:
    """The one that confluent-kafka's wheel brings along."""
    (file,) = Path(confluent_kafka.__file__).parents[1].glob("confluent_kafka.libs/librdkafka*")
    library = ctypes.CDLL(str(file))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, name).restype = ctypes.c_void_p
    return library
