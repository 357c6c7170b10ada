"""`waybill migrate` and `waybill topics`: what an installation needs once, before the services start.

What they work with is imported when they run: the other commands start in half the time without it.
"""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(migrate)
    app.command()(topics)


def migrate() -> None:
    """Bring the database's schema to this version. Safe to run twice, and at the same time.

    It ends with 3 when the database cannot be reached.
    """
    from waybill import store
    from waybill.settings import DatabaseSettings, load

    settings = load(DatabaseSettings)
    engine = store.create_engine(str(settings.database_url), application="waybill-migrate", pool_size=1)
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

    settings = load(KafkaSettings)
    made = ensure_topics(
        settings.kafka_config("waybill-topics"),
        settings.topics,
        partitions=partitions,
        replication=replication,
    )
    typer.echo(f"Made: {', '.join(made)}." if made else "Every topic is there.")
