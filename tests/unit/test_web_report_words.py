"""What a report waits for, and its parameters, in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producer_api.web.report_words import Silent, Wait, in_short, silent_of, wait_of
from waybill.domain import Failure, FailureType, KindLimit, Report, Status, new_report_id
from waybill.ledger import Silence, WaitingNow
from waybill.store import LiveWorkers

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
REPORT = Report(
    *(new_report_id(), "flights", {"month": 7}, Status.INIT, 9, 1, None, None, None, None),
    *(NOW, NOW, None, None),
)
PAUSED = KindLimit("flights", paused_at=NOW, paused_by="ann", reason="no data")
ONE_WORKER = LiveWorkers(1, 1, offered={"flights": 1, "dowork": 1})
OF_OTHER_KINDS = LiveWorkers(2, 1, offered={"dowork": 2})
NONE_OFFERS = "It is tried again until one does, 12 times at most, and then fails."


def waits(
    report: Report = REPORT,
    *limits: KindLimit,
    workers: LiveWorkers = ONE_WORKER,
    kafka_answers: bool = True,
) -> Wait:
    now = WaitingNow({one.kind: one for one in limits}, workers)
    wait = wait_of(report, now, kafka_answers=kafka_answers, moment=NOW)
    assert wait is not None
    return wait


def test_one_that_runs_or_has_ended_does_not_wait() -> None:
    for status in (Status.PROCESSING, Status.DONE, Status.FAIL, Status.CANCELLED):
        assert wait_of(replace(REPORT, status=status), WaitingNow(), kafka_answers=False) is None
    cancelled = replace(REPORT, status=Status.PROCESSING, cancel_requested=True)
    assert waits(cancelled, kafka_answers=False) == Wait("for its worker to stop it")


def test_where_all_is_there_it_waits_for_its_turn() -> None:
    assert waits() == Wait("for its turn and a free slot")
    assert waits(REPORT, KindLimit("flights", max_running=1)) == Wait("for its turn and a free slot")
    assert waits(replace(REPORT, awaits_kind=True)) == Wait("for its turn: as many run as may")


@pytest.mark.parametrize(
    ("known", "words", "then"),
    [
        (
            {"kafka_answers": False},
            "for Kafka, which does not answer",
            "The report is kept, and goes on by itself.",
        ),
        (
            {"workers": LiveWorkers(0, 0)},
            "for a worker: none is there",
            "The report is kept, and goes on by itself once there is one.",
        ),
        (
            {"workers": LiveWorkers(2, 0)},
            "for a worker that reads from Kafka: none does now",
            "The report is kept, and goes on by itself once there is one.",
        ),
        (
            {"workers": OF_OTHER_KINDS},
            "for a worker that offers its kind: none does now",
            NONE_OFFERS,
        ),
    ],
)
def test_a_part_that_is_missing_is_said(known: dict[str, Any], words: str, then: str) -> None:
    for report in (REPORT, replace(REPORT, awaits_kind=True), replace(REPORT, not_before=NOW)):
        wait = waits(report, **known)
        assert (wait.words, wait.then, wait.is_stuck) == (words, then, True)


def test_without_kafka_a_missing_worker_is_not_what_keeps_it() -> None:
    assert waits(workers=LiveWorkers(0, 0), kafka_answers=False).words == "for Kafka, which does not answer"


def test_while_a_workers_kinds_are_not_known_it_may_offer_any() -> None:
    workers = replace(OF_OTHER_KINDS, number=3, unknown=1)

    assert waits(workers=workers).words == "for its turn and a free slot"


def test_a_report_of_a_definition_waits_for_no_other_worker() -> None:
    defined = replace(REPORT, kind="query:sales", definition="a digest")

    assert waits(defined, workers=OF_OTHER_KINDS).words == "for its turn and a free slot"
    assert waits(defined, workers=LiveWorkers(0, 0)).words == "for a worker: none is there"


def test_a_kind_that_is_paused_comes_first() -> None:
    wait = waits(REPORT, PAUSED, workers=LiveWorkers(0, 0), kafka_answers=False)

    assert wait == Wait(
        "since its kind is paused",
        detail="no data",
        paused_at=NOW,
        paused_by="ann",
        then="The report is kept, and goes on once the kind is resumed.",
        is_stuck=True,
    )
    assert waits(replace(REPORT, kind="dowork"), PAUSED).words == "for its turn and a free slot"


def test_a_retry_waits_for_its_time_and_then_as_others_do() -> None:
    retried = replace(REPORT, not_before=LATER, failure=Failure("step_failed", "no"))
    assert waits(retried, kafka_answers=False) == Wait("for its next attempt", LATER)
    assert waits(replace(retried, not_before=NOW)).words == "for its turn and a free slot"


def test_that_its_worker_does_not_know_its_kind_is_said() -> None:
    failure = Failure(FailureType.UNSUPPORTED_KIND, "There is no kind flights.")
    wait = waits(replace(REPORT, not_before=LATER, failure=failure))

    assert (wait.words, wait.until) == ("for its next attempt", LATER)
    assert wait.then == "The worker of its last attempt does not know this kind; one of another version may."


def test_that_no_worker_knows_its_kind_is_said_between_its_attempts() -> None:
    failure = Failure(FailureType.UNSUPPORTED_KIND, "There is no kind flights.")
    retried = replace(REPORT, not_before=LATER, failure=failure)

    assert waits(retried, workers=OF_OTHER_KINDS) == Wait(
        "for its next attempt", LATER, then=f"No worker offers this kind. {NONE_OFFERS}"
    )
    other = replace(retried, failure=Failure("step_failed", "no"))
    assert waits(other, workers=OF_OTHER_KINDS).then is None


def test_what_comes_of_a_report_whose_worker_is_silent() -> None:
    silence = Silence(timedelta(seconds=12), timedelta(seconds=18))
    since, until = NOW - timedelta(seconds=12), NOW + timedelta(seconds=18)

    assert silent_of(REPORT, None) is None
    assert silent_of(REPORT, silence, NOW) == Silent(since, until, "is given to another worker")
    cancelled = replace(REPORT, cancel_requested=True)
    assert silent_of(cancelled, silence, NOW) == Silent(since, until, "is cancelled")
    past = replace(silence, left=timedelta(0))
    assert silent_of(REPORT, past, NOW) == Silent(since, None, "is given to another worker")


def test_parameters_in_short() -> None:
    assert in_short({}) == ""
    assert in_short({"month": 7, "carrier": None, "airport": "JFK"}) == "month 7, airport JFK"
    assert len(in_short({"text": "x" * 1000, "b": "y" * 90, "c": 1, "d": 2, "e": 3})) <= 62
