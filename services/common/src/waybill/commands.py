"""`waybill migrate` and `waybill topics`: what an installation needs once, before the services start.

The client's command finds them by the entry-point group `waybill.commands`. What they work with is imported
when they run: the other commands start in half the time without it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from waybill.errors import RetryableError, WaybillError

_FAILED, _UNREACHABLE = 1, 3
"""Exit codes, as the client's commands have them."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(migrate)
    app.command()(topics)


@contextmanager
def _sentences() -> Iterator[None]:
    """An error of ours is one sentence on standard error, and an exit code."""
    try:
        yield
    except WaybillError as error:
        sys.stderr.write(f"waybill: {error}\n")
        raise typer.Exit(_UNREACHABLE if isinstance(error, RetryableError) else _FAILED) from error


def migrate() -> None:
    """Bring the database's schema to this version. Safe to run twice, and at the same time.

    It ends with 3 when the database cannot be reached.
    """
    from waybill import store
    from waybill.settings import DatabaseSettings, load

    with _sentences():
        settings = load(DatabaseSettings)
        engine = store.create_engine(settings.database_url, application="waybill-migrate", pool_size=1)
        typer.echo(f"The database's schema is at {store.migrate(engine)}.")


def topics(
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of a topic that is made.")] = 6,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of each partition.")] = 1,
) -> None:
    """Create the topics that are missing. Topics that exist stay as they are.

    It ends with 3 when Kafka cannot be reached.
    """
    from waybill.kafka import ensure_topics
    from waybill.settings import KafkaSettings, load

    with _sentences():
        settings = load(KafkaSettings)
        made = ensure_topics(
            settings.kafka_config("waybill-topics"),
            settings.topics,
            partitions=partitions,
            replication=replication,
        )
        typer.echo(f"Made: {', '.join(made)}." if made else "Every topic is there.")
