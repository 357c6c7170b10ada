"""That no worker takes a kind's reports, in words; and of how many workers that is known."""

import pytest

from producer_api.web.worker_words import NONE_OFFERS, NONE_THERE, NoWorker, no_worker, none_there
from waybill.domain import lifecycle
from waybill.store import LiveWorkers

TWO = LiveWorkers(2, 1, offered={"flights": 1, "dowork": 2})
UPGRADE = LiveWorkers(2, 2, offered={"flights": 1}, unknown=1)
NONE = LiveWorkers(0, 0)


@pytest.mark.parametrize(
    ("workers", "kind", "number", "missing"),
    [
        (TWO, "flights", 1, None),
        (TWO, "dowork", 2, None),
        (TWO, "sales", 0, NONE_OFFERS),
        (UPGRADE, "flights", None, None),
        (UPGRADE, "sales", None, None),
        (NONE, "flights", 0, NONE_THERE),
    ],
)
def test_a_kind_is_offered_by_workers_that_have_it(
    workers: LiveWorkers, kind: str, number: int | None, missing: NoWorker | None
) -> None:
    assert workers.offering(kind, is_defined=False) == number
    assert no_worker(workers, kind, is_defined=False) is missing


@pytest.mark.parametrize(
    ("workers", "number", "missing"), [(TWO, 2, None), (UPGRADE, None, None), (NONE, 0, NONE_THERE)]
)
def test_a_definition_is_offered_by_any_worker(
    workers: LiveWorkers, number: int | None, missing: NoWorker | None
) -> None:
    assert workers.offering("query:sales", is_defined=True) == number
    assert no_worker(workers, "query:sales", is_defined=True) is missing
    assert none_there(workers) is missing


def test_what_comes_of_a_report_says_how_often_it_is_tried() -> None:
    assert f"{lifecycle.MAX_UNSUPPORTED} times" in NONE_OFFERS.then
    assert f"{lifecycle.MAX_UNSUPPORTED} times" in NONE_OFFERS.of_new
