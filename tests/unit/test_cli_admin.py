"""`waybill migrate`, `topics` and `create-key` say in a sentence what is wrong."""

from functools import partial

import pytest
from pytest import CaptureFixture, MonkeyPatch

from waybill import kafka
from waybill_client.cli import main


def run(*command: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(command)
    return int(ended.value.code or 0)


def test_migrate_without_the_database_ends_with_3(
    monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYBILL_DATABASE_URL", "postgresql://waybill@127.0.0.1:1/waybill")

    assert run("migrate") == 3
    errors = capsys.readouterr().err
    assert errors.startswith("waybill: The database cannot be reached: connection failed: ")
    assert errors.count("\n") == 1


def test_topics_without_kafka_ends_with_3(monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]) -> None:
    monkeypatch.setenv("WAYBILL_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr(kafka, "ensure_topics", partial(kafka.ensure_topics, timeout=0.5))

    assert run("topics") == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("waybill: The topic report could not be made, as Kafka does not answer: ")


def test_create_key_without_the_database_ends_with_3(
    monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYBILL_DATABASE_URL", "postgresql://waybill@127.0.0.1:1/waybill")

    assert run("create-key", "--name", "first", "--owner", "ops") == 3
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("waybill: The database cannot be reached: connection failed: ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--role", "boss"), "'boss' is not a role: requester, operator, auditor, admin"),
        (("--tenant", "A B"), "'A B' is not a tenant"),
        (("--owner", "a\nb"), "is not an owner"),
        (("--name", ""), "a name has 1 to 100 printable characters"),
    ],
)
def test_what_no_key_can_have_is_a_usage_error(
    capsys: CaptureFixture[str], options: tuple[str, str], sentence: str
) -> None:
    assert run("create-key", "--name", "first", "--owner", "ops", *options) == 2
    assert sentence in " ".join(capsys.readouterr().err.replace("│", " ").split())
