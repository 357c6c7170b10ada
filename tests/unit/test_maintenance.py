"""When maintenance does what: by the lease of each task."""

from datetime import timedelta
from typing import Any, cast
from unittest.mock import Mock

import pytest

from waybill.artefacts import ArtefactStore
from waybill.domain import LeasePolicy
from waybill.ledger import Removed
from waybill.maintenance import Maintenance, MaintenancePolicy
from waybill.store import StoreUnavailable

HOUR = timedelta(hours=1)
LEASE = LeasePolicy(timedelta(seconds=30))


class Leases:
    """Of both tasks. `held` says whether they are, a turn at a time and then as the last."""

    def __init__(self, *held: bool) -> None:
        self._held = list(held)
        self.ranks: list[int] = []
        self.lengths: dict[str, timedelta] = {}
        self.released = 0

    def __call__(self, task: str, length: timedelta) -> Any:
        self.lengths[task] = length
        return self

    def hold(self, rank: int = 0) -> bool:
        self.ranks.append(rank)
        return self._held.pop(0) if len(self._held) > 1 else self._held[0]

    def release(self) -> None:
        self.released += 1
        raise StoreUnavailable("The database is away.")


class Work:
    """Recovery and retention with plenty to do."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.due = True

    def is_due(self, grace: timedelta) -> bool:  # noqa: ARG002 - as of a Recovery
        return self.due

    def requeue_due(self) -> list[str]:
        self.done.append("requeue")
        return ["a report"]

    def recover_lost(self, grace: timedelta) -> list[str]:  # noqa: ARG002
        self.done.append("recover")
        return []

    def remove_expired(self) -> int:
        self.done.append("expired")
        return 1

    def remove_audit(self) -> int:
        self.done.append("audit")
        return 0

    def remove_reports(self, artefacts: ArtefactStore, after: object) -> Removed:  # noqa: ARG002
        self.done.append("old")
        return Removed(0, None)


def maintenance(work: Work, leases: Leases, grace: timedelta = timedelta(0), now: float = 0.0) -> Maintenance:
    times = iter([0.0])
    policy = MaintenancePolicy(recovery_grace=grace)
    part = cast("Any", work)
    return Maintenance(part, part, Mock(), LEASE, policy, leases, clock=lambda: next(times, now))


def test_a_process_without_the_lease_does_nothing() -> None:
    work, leases = Work(), Leases(False)

    maintenance(work, leases).recover()
    maintenance(work, leases).remove_old()

    assert work.done == []


def test_it_ends_with_the_batch_in_which_the_lease_goes() -> None:
    work = Work()

    maintenance(work, Leases(True, True, True, False)).recover()
    maintenance(work, Leases(True, True, False)).remove_old()

    assert work.done == ["requeue", "requeue", "expired", "expired"]


def test_where_nothing_is_due_it_only_looks() -> None:
    work = Work()
    work.due = False

    maintenance(work, Leases(True)).recover()

    assert work.done == []


@pytest.mark.parametrize(
    ("grace", "seconds", "rank"), [(timedelta(0), 31, 0), (HOUR, 31, 1), (timedelta(0), 29, 2), (HOUR, 29, 3)]
)
def test_the_process_that_recovers_first_has_the_lowest_rank(
    grace: timedelta, seconds: float, rank: int
) -> None:
    leases = Leases(False)

    maintenance(Work(), leases, grace, seconds).recover()

    assert leases.ranks == [rank]


def test_another_process_goes_on_within_a_few_intervals_also_where_the_lease_cannot_be_released() -> None:
    leases = Leases(False)

    maintenance(Work(), leases).stop()

    assert leases.released == 2
    assert leases.lengths == {"recovery": timedelta(seconds=3), "retention": timedelta(minutes=3)}
