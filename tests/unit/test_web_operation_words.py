"""What pages say of an operation on many reports."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from producer_api.operation_resources import OperationFilter
from producer_api.permissions import Permission
from producer_api.web.operation_words import filter_in_words, heading, offered
from waybill.domain import EVERYTHING, Operation, OperationAction, OperationState, Owner, Status

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)


def operation(
    state: OperationState, matched: int, done: int = 0, skipped: int = 0, *, more: bool = False
) -> Operation:
    owner = Owner("acme", "ann")
    return Operation(
        *(UUID(int=1), OperationAction.CANCEL, owner, "", EVERYTHING, state, matched, more),
        *(done, skipped, 0, (), None, NOW, NOW, None),
    )


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (operation(OperationState.RUNNING, 1204), "Cancelling 1,204 reports"),
        (operation(OperationState.RUNNING, 1), "Cancelling 1 report"),
        (operation(OperationState.RUNNING, 10_000, more=True), "Cancelling 10,000 or more reports"),
        (operation(OperationState.DONE, 1204, 1204), "1,204 reports cancelled"),
        (operation(OperationState.DONE, 1, 1), "1 report cancelled"),
        (operation(OperationState.DONE, 10, 8, 2), "8 of 10 reports cancelled"),
    ],
)
def test_its_heading(shown: Operation, words: str) -> None:
    assert heading(shown) == words


def test_a_filter_says_all_of_itself() -> None:
    meant = OperationFilter(
        kind=["flights", "dowork"],
        owner="bob",
        tag="t",
        error="away",
        parameter={"month": "7"},
        created_after="2026-11-01T00:00:00Z",
        created_before="2026-11-02T00:00:00Z",
    )
    assert list(filter_in_words(meant, OperationAction.RETRY)) == [
        "failed or cancelled",
        "kind flights or dowork",
        "owner bob",
        "tag t",
        "month=7",
        "error has “away”",
        "requested since 01 Nov 2026, 00:00:00 UTC",
        "requested before 02 Nov 2026, 00:00:00 UTC",
    ]


@pytest.mark.parametrize(
    ("statuses", "verbs"),
    [
        ([], ["Cancel", "Retry", "Delete"]),
        ([Status.INIT], ["Cancel"]),
        ([Status.FAIL], ["Retry", "Delete"]),
        ([Status.DONE], ["Delete"]),
        ([Status.DONE, Status.PROCESSING], []),
    ],
)
def test_what_is_offered_has_something_to_do(statuses: list[Status], verbs: list[str]) -> None:
    assert [verb for _, verb in offered(statuses, lambda _: True)] == verbs
    without_delete = [verb for verb in verbs if verb != "Delete"]
    assert [verb for _, verb in offered(statuses, lambda one: one is not Permission.DELETE)] == without_delete
