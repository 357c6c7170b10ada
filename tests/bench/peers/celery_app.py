"""Celery: Redis for messages, results in PostgreSQL, each task acknowledged after its end, traced."""

import os

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.bench.peers import job

app = Celery(
    "celery_app",
    broker=os.environ[job.REDIS_URL],
    backend="db+" + os.environ[job.DATABASE_URL].replace("postgresql://", "postgresql+psycopg://"),
)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=4,
    task_track_started=False,
    result_extended=False,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="bench.work")
def work(subject: str) -> str:
    return job.do(subject)


def start_tracing() -> None:
    """With the service's name and the collector's address from the environment."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call,unused-ignore]


@worker_process_init.connect(weak=False)
def trace_the_worker(**_values: object) -> None:
    """After the fork: the thread that sends spans does not survive one."""
    start_tracing()


@worker_process_shutdown.connect(weak=False)
def send_the_last_spans(**_values: object) -> None:
    trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]


def prepare(number: int) -> None:
    start_tracing()
    for subject in job.subjects(number):
        work.apply_async((subject,))
    trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]


if __name__ == "__main__":
    job.command(prepare)
