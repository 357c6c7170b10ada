"""Of an event is stored what its report's row does not have; what is read is whole."""

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.lifecycle_store import Store
from waybill.domain import (
    Carrier,
    End,
    Failure,
    FailureType,
    Fence,
    NewReport,
    Progress,
    Report,
    Retry,
    Status,
    StepChange,
    StepStatus,
    StepTaken,
    StoredArtefact,
    new_report_id,
)
from waybill.messages import StatusEvent, status_event, step_event

pytest_plugins = ["tests.support.lifecycle_fixtures"]

OWNER = "the test"
FAILURE = Failure(FailureType.ERROR, "The warehouse does not answer.")
ARTEFACT = StoredArtefact("reports/1/1/a.txt", "a.txt", "text/plain", 3, "ab" * 32)
CARRIERS = {
    "sampled": Carrier(f"00-{'4b' * 16}-{'0f' * 8}-01"),
    "not sampled": Carrier(f"00-{'4b' * 16}-{'0f' * 8}-00"),
    "none": None,
}


def as_published(event: StatusEvent) -> dict[str, Any]:
    return event.model_dump(mode="json")


def whole_events(store: Store, report: Report) -> list[dict[str, Any]]:
    return [event.data for event in store.ledger.events_after(report.id, 0, 100)]


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_every_sort_of_event_reads_as_it_was_published(carrier: Carrier | None, store: Store) -> None:
    ledger = store.ledger
    states: list[Report] = []
    report = ledger.accept(NewReport(new_report_id(), "dowork", {}, carrier))
    states.append(report)

    def attempt() -> Fence:
        claimed = store.ledger.claim(
            report.id, OWNER, Carrier(f"00-{'5c' * 16}-{'0f' * 8}-01"), None, alone=True
        )
        assert claimed is not None
        states.append(claimed)
        return Fence(report.id, claimed.attempt, OWNER)

    states.append(ledger.release(attempt()))
    states.append(ledger.retry(attempt(), Retry(FAILURE, timedelta(0))))
    states.append(ledger.finish(attempt(), End(Status.FAIL, FAILURE)))
    states.append(store.dead_letters.redrive(report.id))
    fence = attempt()
    cancelling = ledger.cancel(report.id)
    assert cancelling is not None
    states += [cancelling, ledger.finish(fence, End(Status.DONE), [ARTEFACT])]

    assert whole_events(store, report) == [as_published(status_event(state)) for state in states]


def test_events_of_steps_too(store: Store) -> None:
    report = store.ledger.accept(NewReport(new_report_id(), "dowork", {}, CARRIERS["sampled"]))
    store.claim(report.id, OWNER)
    changes = [
        StepChange("one", StepStatus.RUNNING),
        StepChange("one", StepStatus.FAILED, 3, "Something wrong!"),
        StepChange("two", StepStatus.DONE, 0),
    ]
    fence = Fence(report.id, 1, OWNER)

    states = [store.ledger.steps(fence, [StepTaken(one, Progress(one.name, 0, 2))]) for one in changes]

    expected = [as_published(step_event(state, one)) for state, one in zip(states, changes, strict=True)]
    assert whole_events(store, report)[2:] == expected


def test_several_artefacts_are_in_the_events_of_the_change_that_brings_them_alone(store: Store) -> None:
    report = store.ledger.accept(NewReport(new_report_id(), "dowork", {}, CARRIERS["sampled"]))
    store.claim(report.id, OWNER)
    step = StepTaken(StepChange("one", StepStatus.RUNNING), Progress("one", 0, 1))
    more = replace(ARTEFACT, key="reports/1/1/b.pdf", filename="b.pdf", output="pdf")

    fence = Fence(report.id, 1, OWNER)
    done = store.ledger.finish(fence, End(Status.DONE), [ARTEFACT, more], steps=[step])

    *before, last = whole_events(store, report)
    assert last == as_published(status_event(done))
    of_file = {"filename": "a.txt", "media_type": "text/plain", "size": 3, "sha256": "ab" * 32}
    assert last["artefact"] == of_file
    assert last["artefacts"] == [of_file, {**of_file, "filename": "b.pdf", "output": "pdf"}]
    assert [event["artefact"] for event in before] == [None] * 3
    assert not [event for event in before if "artefacts" in event]


def test_one_artefact_costs_an_event_nothing_more_than_before(store: Store) -> None:
    report = store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None))
    store.claim(report.id, OWNER)

    store.ledger.finish(Fence(report.id, 1, OWNER), End(Status.DONE), [ARTEFACT])

    last = whole_events(store, report)[-1]
    assert set(last["artefact"]) == {"filename", "media_type", "size", "sha256"}
    assert "artefacts" not in last
    row = Database(store.engine).row("SELECT artefact, artefacts FROM reports")
    assert row == {"artefact": asdict_without_output(ARTEFACT), "artefacts": None}


def asdict_without_output(artefact: StoredArtefact) -> dict[str, Any]:
    return {name: value for name, value in asdict(artefact).items() if name != "output"}


def test_what_the_row_has_is_not_stored_twice(store: Store) -> None:
    report = store.ledger.accept(NewReport(new_report_id(), "dowork", {}, CARRIERS["sampled"]))
    store.claim(report.id, OWNER)

    stored = Database(store.engine).rows("SELECT data FROM report_changes ORDER BY version")

    assert [row["data"] for row in stored] == [
        {"status": "init", "attempt": 0, "started_at": None},
        {"status": "processing", "attempt": 1},
    ]


def test_an_event_of_the_version_before_is_stored_and_read_whole(store: Store) -> None:
    report = store.ledger.accept(NewReport(new_report_id(), "dowork", {}, None))
    (first,) = whole_events(store, report)
    second = {**first, "version": 2, "kind": "another", "trace_id": "4b" * 16}

    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            """
            WITH recorded AS (
                INSERT INTO report_events (report_id, version, type, data, at)
                SELECT report_id, version, type, data, at FROM jsonb_to_recordset(%(events)s::jsonb)
                AS event (report_id uuid, version integer, type text, data jsonb, at timestamptz)
            ) SELECT 1
            """,
            {
                "events": json.dumps(
                    [
                        {
                            **{name: second[name] for name in ("report_id", "version", "type", "at")},
                            "data": second,
                        }
                    ]
                )
            },
        )

    assert whole_events(store, report) == [first, second]
