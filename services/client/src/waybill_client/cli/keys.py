"""`waybill keys`: by which the API knows its clients."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from waybill_client import DEFAULT_TENANT, ApiKey, NewApiKey, Role
from waybill_client.cli import formatting
from waybill_client.cli.session import Session, session_of

_PREFIX = "wb_"


def as_key_id(text: str) -> str:
    """Raises a usage error for a key's token, which it does not show."""
    if text.startswith(_PREFIX):
        raise typer.BadParameter(
            "that is a token, and others can see what is on a command line. Its id is the part between the "
            "first two '_'.",
            param_hint="ID",
        )
    return text


KeyId = Annotated[
    str, typer.Argument(metavar="ID", help="The key's id; 'waybill keys list' has it.", parser=as_key_id)
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for a script.")]


def register(app: typer.Typer) -> None:
    keys = typer.Typer(no_args_is_help=True, help="API keys: list, create, rotate and revoke them.")
    for command in (list_keys, create, rotate, revoke):
        keys.command(command.__name__.partition("_")[0])(command)
    app.add_typer(keys, name="keys")


def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List all keys, those that were revoked too, without their secrets."""
    session = session_of(context)
    keys = session.api.keys()
    if as_json:
        session.json({"keys": [key.model_dump(mode="json") for key in keys]})
        return
    now = datetime.now(UTC)
    table = Table(
        "id", "name", "owner", "roles", "last used", "state", box=None, pad_edge=False, header_style="dim"
    )
    table.columns[0].no_wrap = True
    for key in keys:
        table.add_row(
            key.id,
            key.name,
            formatting.owner(key.owner, key.tenant),
            ", ".join(key.roles),
            formatting.ago(key.last_used_at, now) if key.last_used_at else "-",
            _state(key, now),
        )
    session.out.print(table if keys else "There are no keys.")


def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(metavar="TEXT", help="What it is for, for people.")],
    owner: Annotated[
        str, typer.Option(metavar="NAME", help="Whose reports those are that are requested with it.")
    ],
    tenant: Annotated[str, typer.Option(metavar="NAME", help="The tenant of the owner.")] = DEFAULT_TENANT,
    roles: Annotated[
        list[Role] | None,
        typer.Option("--role", help="What it gives the right to. Repeatable; 'requester' if none is given."),
    ] = None,
    expires_in_days: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="When it ends; never if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print its token, which is shown this once.

    The token is all of the standard output, so that it can go to a file:
    (umask 077; waybill keys create --name shop --owner shop > token)
    """
    session = session_of(context)
    key = session.api.create_key(name, owner, tenant, roles or [Role.REQUESTER], expires_in_days)
    _print_new(session, key, as_json=as_json)


def rotate(context: typer.Context, key_id: KeyId, as_json: AsJson = False) -> None:
    """Give a key another token, and print it, which is shown this once.

    The token of before works for a few seconds more.
    """
    session = session_of(context)
    _print_new(session, session.api.rotate_key(key_id), as_json=as_json)


def revoke(context: typer.Context, key_id: KeyId, as_json: AsJson = False) -> None:
    """End a key. It works for a few seconds more."""
    session = session_of(context)
    key = session.api.revoke_key(key_id)
    session.json(key) if as_json else session.line("revoked")


def _print_new(session: Session, key: NewApiKey, *, as_json: bool) -> None:
    session.json(key) if as_json else session.line(key.token)
    if session.out.is_terminal:
        session.err.print(f"This is the token of the key {key.id}. It is shown this once: keep it now.")


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {formatting.ago(key.revoked_at, now)}"
    if key.expires_at is None:
        return "valid"
    if key.expires_at <= now:
        return f"expired {formatting.ago(key.expires_at, now)}"
    return f"valid until {formatting.moment(key.expires_at)}"
