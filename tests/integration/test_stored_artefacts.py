"""The artefacts of a report in its row, which processes of the version before read and write too."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.database import Database
from tests.support.lifecycle_store import Store
from waybill.domain import (
    End,
    Failure,
    FailureType,
    Fence,
    Holder,
    HolderLimits,
    Level,
    LimitValues,
    NewReport,
    Owner,
    Report,
    Status,
    StoredArtefact,
    new_report_id,
)

pytest_plugins = ["tests.support.lifecycle_fixtures"]

OWNER = "the test"
ADA = Owner("acme", "ada")
FIRST = StoredArtefact("acme/reports/1/1/a.html", "a.html", "text/html", 3, "ab" * 32, "html")
SECOND = StoredArtefact("acme/reports/1/1/b.pdf", "b.pdf", "application/pdf", 40, "cd" * 32, "pdf")
PLAIN = StoredArtefact("acme/reports/1/1/c.txt", "c.txt", "text/plain", 500, "ef" * 32)
DONE = End(Status.DONE)
FAILED = End(Status.FAIL, Failure(FailureType.STEP_FAILED, "Something wrong!"))

OLD_END = """
UPDATE reports SET version = version + 1, status = 'done', artefact = CAST(:artefact AS jsonb),
    finished_at = clock_timestamp(), lease_owner = NULL, lease_expires_at = NULL
WHERE id = :id
"""
OLD_REDRIVE = """
UPDATE reports SET version = version + 1, status = 'init', artefact = NULL, failure = NULL, finished_at = NULL
WHERE id = :id
"""
"""As processes of the version before end and redrive a report: they know no column `artefacts`."""


def claimed(store: Store, report_id: Any = None) -> Fence:
    if report_id is None:
        report_id = new_report_id()
        store.ledger.accept(NewReport(report_id, "dowork", {}, None, owner=ADA))
    report = store.claim(report_id, OWNER)
    assert report is not None
    return Fence(report.id, report.attempt, OWNER)


def finished(store: Store, *artefacts: StoredArtefact, end: End = DONE) -> Report:
    return store.ledger.finish(claimed(store), end, artefacts)


def row(store: Store, report: Report) -> dict[str, Any]:
    found = Database(store.engine).row("SELECT * FROM reports WHERE id = :id", id=report.id)
    assert found is not None
    return dict(found)


def old(store: Store, statement: str, report: Report, artefact: StoredArtefact | None = None) -> Report:
    written: dict[str, Any] = {"id": report.id}
    if artefact:
        values = {name: value for name, value in asdict(artefact).items() if name != "output"}
        written["artefact"] = json.dumps(values)
    with store.engine.begin() as connection:
        connection.execute(text(statement), written)
    found = store.ledger.get(report.id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "artefacts", [(), (PLAIN,), (FIRST,), (FIRST, SECOND), (PLAIN, FIRST, SECOND)], ids=len
)
def test_what_was_stored_is_read(store: Store, artefacts: tuple[StoredArtefact, ...]) -> None:
    ended = finished(store, *artefacts)
    read = store.ledger.get(ended.id)

    assert read is not None
    assert ended.artefacts == read.artefacts == artefacts
    assert ended.artefact == read.artefact == (artefacts[0] if artefacts else None)


def test_the_version_before_reads_the_first(store: Store) -> None:
    """It makes an object of all that the column has, and knows these names."""
    stored = row(store, finished(store, FIRST, SECOND))["artefact"]

    assert set(stored) == {"key", "filename", "media_type", "size", "sha256"}
    assert stored["key"] == FIRST.key


def test_what_the_version_before_has_ended_has_one(store: Store) -> None:
    fence = claimed(store)
    report = store.ledger.get(fence.report_id)
    assert report is not None

    ended = old(store, OLD_END, report, PLAIN)

    assert (ended.artefact, ended.artefacts) == (PLAIN, (PLAIN,))


def test_a_redrive_forgets_all_of_them(store: Store) -> None:
    report = finished(store, FIRST, SECOND, end=FAILED)
    assert len(report.artefacts) == 2

    again = store.dead_letters.redrive(report.id)

    assert (again.artefact, again.artefacts) == (None, ())
    assert row(store, again)["artefacts"] is None


def test_what_the_version_before_has_redriven_and_ended_is_what_counts(store: Store) -> None:
    report = finished(store, FIRST, SECOND, end=FAILED)
    waits = old(store, OLD_REDRIVE, report)
    assert (waits.artefact, waits.artefacts) == (None, ())

    claimed(store, report.id)
    ended = old(store, OLD_END, report, PLAIN)

    assert (ended.artefact, ended.artefacts) == (PLAIN, (PLAIN,))
    assert kept(store) == PLAIN.size


def test_an_end_of_this_version_replaces_what_an_old_redrive_has_left(store: Store) -> None:
    report = finished(store, FIRST, SECOND, end=FAILED)
    old(store, OLD_REDRIVE, report)

    ended = store.ledger.finish(claimed(store, report.id), DONE, [PLAIN])

    assert ended.artefacts == (PLAIN,)
    assert row(store, ended)["artefacts"] is None


def test_a_cancellation_that_wins_keeps_none(store: Store) -> None:
    fence = claimed(store)
    store.ledger.cancel(fence.report_id)

    ended = store.ledger.finish(fence, FAILED, [FIRST, SECOND])

    assert (ended.status, ended.artefact, ended.artefacts) == (Status.CANCELLED, None, ())


def kept(store: Store) -> int | None:
    """Of Ada, counted from her reports."""
    limits = LimitValues(max_kept_bytes=10_000)
    store.limits.set(HolderLimits(Holder(Level.OWNER, ADA.tenant, ADA.name), limits))
    return store.limits.usage(Level.OWNER, ADA)[1].kept_bytes


def test_kept_bytes_are_those_of_all_files(store: Store) -> None:
    report = finished(store, FIRST, SECOND)
    finished(store, PLAIN)
    assert kept(store) == 543, "counted when the limit is set"

    finished(store, FIRST, SECOND, PLAIN)
    assert store.limits.usage(Level.OWNER, ADA)[1].kept_bytes == 1086, "added by an end"

    with store.engine.begin() as connection:
        age = text("UPDATE reports SET finished_at = finished_at - interval '31 days' WHERE id = :id")
        connection.execute(age, {"id": report.id})
    store.retention.remove_reports(store.artefacts)
    assert store.limits.usage(Level.OWNER, ADA)[1].kept_bytes == 1043, "subtracted by a removal"
    assert kept(store) == 1043
