"""`waybill migrate`, `topics` and `create-key`: what an installation needs once, before it is used. And
`waybill check`, for those who write definitions of reports.

The client's command finds them by the entry-point group `waybill.commands`. What they work with is imported
when they run: the other commands start in half the time without it.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from waybill.errors import RetryableError, WaybillError

_FAILED, _UNREACHABLE = 1, 3
"""Exit codes, as the client's commands have them."""

_MAX_NAME = 100
"""Characters of a key's name, as the API has it."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(migrate)
    app.command()(topics)
    app.command()(create_key)
    app.command()(check)


@contextmanager
def _sentences() -> Iterator[None]:
    """An error of ours is one sentence on standard error, and an exit code."""
    try:
        yield
    except WaybillError as error:
        sys.stderr.write(f"waybill: {error}\n")
        raise typer.Exit(_UNREACHABLE if isinstance(error, RetryableError) else _FAILED) from error


def migrate(
    grant_api: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Give this role of the database the rights of producer-api."),
    ] = None,
    grant_worker: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Give this role of the database the rights of report-worker."),
    ] = None,
) -> None:
    """Bring the database's schema to this version. Safe to run twice, and at the same time.

    With roles for the services, each has its rights afterwards, and no others: the roles must exist, and the
    one that migrates owns the tables. It ends with 3 when the database cannot be reached.
    """
    from waybill import store
    from waybill.settings import MigrationSettings, load
    from waybill.store.migrate import migrate
    from waybill.store.rights import API, WORKER

    with _sentences():
        given = {"database_api_role": grant_api, "database_worker_role": grant_worker}
        settings = load(MigrationSettings, **{name: role for name, role in given.items() if role})
        engine = store.create_engine(settings.database_url, application="waybill-migrate", pool_size=1)
        wanted = {settings.database_api_role: API, settings.database_worker_role: WORKER}
        roles = {role: rights for role, rights in wanted.items() if role}
        typer.echo(f"The database's schema is at {migrate(engine, roles)}.")
        for role, rights in roles.items():
            typer.echo(f"The role {role} has the rights of {rights.service}.")


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


def create_key(
    name: Annotated[str, typer.Option(metavar="TEXT", help="What the key is for, for people.")],
    owner: Annotated[
        str, typer.Option(metavar="NAME", help="Whose reports those are that are requested with it.")
    ],
    tenant: Annotated[
        str | None, typer.Option(metavar="NAME", help="The tenant of the owner; 'default' if not given.")
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="requester, operator, auditor or admin. Repeatable; 'admin' if none is given.",
        ),
    ] = None,
) -> None:
    """Make an API key on the database, and print its token, which is shown this once.

    It is for the first key: 'waybill keys create' makes others, through the API.
    It ends with 3 when the database cannot be reached.
    """
    from waybill import store
    from waybill.domain import DEFAULT_TENANT, UNKNOWN_OWNER, Actor, Owner, Role
    from waybill.ledger import ApiKeys, Nowhere, Transactions
    from waybill.settings import DatabaseSettings, load
    from waybill.store.rights import API
    from waybill.topics import Topics

    if not 1 <= len(name) <= _MAX_NAME or not name.isprintable():
        raise typer.BadParameter(f"a name has 1 to {_MAX_NAME} printable characters.", param_hint="--name")
    try:
        whose = Owner.named(tenant or DEFAULT_TENANT, owner)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.") from error
    given = set(roles or [Role.ADMIN])
    if unknown := given - set(Role):
        raise typer.BadParameter(f"{min(unknown)!r} is not a role: {', '.join(Role)}.", param_hint="--role")
    with _sentences(), ExitStack() as stack:
        settings = load(DatabaseSettings)
        engine = store.create_engine(settings.database_url, application="waybill-create-key", pool_size=1)
        stack.callback(engine.dispose)
        store.check_schema(engine)
        store.check_rights(engine, API)
        keys = ApiKeys(Transactions(engine, Topics(), Nowhere()))
        _, secret = keys.create(
            Actor(UNKNOWN_OWNER, "waybill create-key"), name, whose, set(map(Role, given))
        )
    typer.echo(str(secret))
    if sys.stdout.isatty():
        typer.echo("This is the key's token. It is shown this once: keep it now.", err=True)


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Definitions of reports, in YAML.", show_default=False),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of definitions, for editors.")
    ] = False,
) -> None:
    """Check definitions of reports. Each fault is a line: file, line, column and reason.

    It ends with 1 when a definition is wrong.
    """
    from waybill.definitions import WrongDefinition, definition_schema, read_file

    if schema:
        typer.echo(json.dumps(definition_schema(), indent=2))
        return
    if not files:
        raise typer.BadParameter("name at least one file.", param_hint="FILE")
    wrong = False
    for file in files:
        try:
            kind = read_file(file)
        except WrongDefinition as error:
            wrong = True
            sys.stderr.write(f"{error}\n")
        else:
            steps = ", ".join(step.name for step in kind.definition.steps)
            typer.echo(f"{file}: {kind.name} is right: {steps}; as {', '.join(kind.definition.outputs)}.")
    if wrong:
        raise typer.Exit(_FAILED)
