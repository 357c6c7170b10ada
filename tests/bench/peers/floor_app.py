"""The floor: one loop that reads a message from Kafka, does the job, commits one row, and then the offset."""

import os
import signal
import threading
from contextlib import suppress

import psycopg
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.bench.peers import job

_TOPIC, _PARTITIONS, _SECONDS = "floor", 12, 30.0
_TABLE = """
CREATE TABLE IF NOT EXISTS floor (subject text PRIMARY KEY, file text NOT NULL, at timestamptz DEFAULT now())
"""
_ROW = "INSERT INTO floor (subject, file) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def prepare(number: int) -> None:
    brokers: dict[str, str | int | float | bool] = {"bootstrap.servers": os.environ[job.KAFKA]}
    admin = AdminClient(brokers)
    for made in admin.create_topics([NewTopic(_TOPIC, _PARTITIONS, 1)]).values():
        with suppress(KafkaException):  # it is there already; else nothing can be sent
            made.result(_SECONDS)
    with psycopg.connect(os.environ[job.DATABASE_URL]) as connection:
        connection.execute(_TABLE)
    producer = Producer({**brokers, "enable.idempotence": True, "queue.buffering.max.messages": 10**6})
    for subject in job.subjects(number):
        producer.produce(_TOPIC, subject.encode(), subject.encode())
        producer.poll(0)
    left = producer.flush(_SECONDS)
    if left:
        raise SystemExit(f"{left} messages were not taken by Kafka")


def work() -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ[job.KAFKA],
            "group.id": "floor",
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False,
        }
    )
    consumer.subscribe([_TOPIC])
    with psycopg.connect(os.environ[job.DATABASE_URL]) as connection:
        while not stopping.is_set():
            message = consumer.poll(0.1)
            if message is None or message.error():
                continue
            subject = (message.value() or b"").decode()
            connection.execute(_ROW, (subject, job.do(subject)))
            connection.commit()
            consumer.store_offsets(message)
    consumer.close()


if __name__ == "__main__":
    job.command(prepare, work)
