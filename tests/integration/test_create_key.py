"""`waybill create-key` makes the first key of an installation, on its database."""

from pathlib import Path

import pytest
from pytest import CaptureFixture, MonkeyPatch

from local.stack import Stack
from tests.support.access import access, listening
from tests.support.database import Database
from waybill.domain import Owner, Role, Secret
from waybill.ledger import ApiKeys, Nowhere, Transactions
from waybill.topics import Topics
from waybill_client import AccessDeniedError, ApiKey, WaybillClient
from waybill_client.cli import main


def create_key(*options: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["create-key", *options])
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def database_url(stack: Stack, monkeypatch: MonkeyPatch) -> str:
    monkeypatch.setenv("WAYBILL_DATABASE_URL", stack.endpoints.database_url)
    return stack.endpoints.database_url


@pytest.mark.parametrize(
    ("options", "owner", "roles"),
    [
        ((), Owner("default", "ops"), {Role.ADMIN}),
        (
            ("--tenant", "acme", "--role", "operator", "--role", "auditor"),
            Owner("acme", "ops"),
            {Role.OPERATOR, Role.AUDITOR},
        ),
    ],
)
def test_what_it_prints_is_a_key_that_can_be_used(
    database: Database, capsys: CaptureFixture[str], options: tuple[str, ...], owner: Owner, roles: set[Role]
) -> None:
    assert create_key("--name", "the first", "--owner", "ops", *options) == 0

    written = capsys.readouterr()
    assert written.err == ""
    token, rest = written.out.split("\n", 1)
    assert rest == "", "the token is all of the standard output"
    secret = Secret.read(token)
    assert secret is not None
    key = ApiKeys(Transactions(database.engine, Topics(), Nowhere())).usable(secret)
    assert key is not None
    assert (key.name, key.owner, key.expires_at) == ("the first", owner, None)
    assert key.roles == roles
    assert key.created_by == "anonymous (waybill create-key)"
    entry = database.row("SELECT * FROM audit WHERE subject = :key", key=key.id)
    assert entry is not None
    assert (entry["action"], entry["tenant"], entry["credential"]) == (
        "create_key",
        owner.tenant,
        "waybill create-key",
    )


def test_a_database_without_the_tables_says_what_to_run(
    database: Database,
    database_url: str,
    monkeypatch: MonkeyPatch,
    capsys: CaptureFixture[str],
) -> None:
    before = database.count("api_keys")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=pg_catalog")

    assert create_key("--name", "the first", "--owner", "ops") == 1

    written = capsys.readouterr()
    assert written.out == ""
    assert "run `waybill migrate`" in written.err
    assert database.count("api_keys") == before


def test_the_client_makes_further_keys_and_reads_who_did(
    database: Database, database_url: str, tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    assert create_key("--name", "the first", "--owner", "ops") == 0
    first = capsys.readouterr().out.strip()

    def is_usable(token: str) -> bool:
        secret = Secret.read(token)
        assert secret is not None
        return ApiKeys(Transactions(database.engine, Topics(), Nowhere())).usable(secret) is not None

    with (
        access(database_url, tmp_path) as api,
        listening(api.client.application) as url,
        WaybillClient(url, token=first) as client,
    ):
        made = client.create_key("the shop", "shop", "acme", ["operator"], expires_in_days=1)
        keys = client.keys()
        assert ApiKey.model_validate(made.model_dump()) in keys
        assert is_usable(made.token)

        rotated = client.rotate_key(made.id)
        assert (is_usable(made.token), is_usable(rotated.token)) == (False, True)

        assert client.revoke_key(made.id).revoked_at is not None
        assert not is_usable(rotated.token)

        actions = [entry.action for entry in client.audit() if entry.subject == made.id]
        assert actions == ["revoke_key", "rotate_key", "create_key"]
        with WaybillClient(url, token=rotated.token) as late, pytest.raises(AccessDeniedError):
            late.kinds()


def test_where_no_credential_is_needed_no_key_is_made(stack: Stack, database: Database) -> None:
    before = database.count("api_keys")

    with (
        WaybillClient(stack.endpoints.api_url) as client,
        pytest.raises(AccessDeniedError, match="create-key"),
    ):
        client.create_key("for later", "shop")

    assert database.count("api_keys") == before
