"""Weights and limits that change, and a kind that is paused and resumed, while workers die."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.faults import recording
from tests.faults.injectors import workers
from tests.faults.rig import TENANTS
from tests.faults.run import Run
from waybill.store.tables import AWAITS

_KIND = "/api/v1/kinds/effect"
_LIMITS = "/api/v1/limits"
_REPORTS = 10
"""That end before the first change, and after each."""
_MOST = 2
_QUIET_SECONDS = 2.0
_RUNNING = """
SELECT count(*) AS running FROM reports WHERE status = 'processing' AND tenant = coalesce(%s, tenant)
"""

_UNDER_WAY = f"""
SELECT count(*) AS running FROM reports WHERE tenant = coalesce(%s, tenant)
    AND (status = 'processing' OR (status = 'init' AND {AWAITS} = 'claim'))
"""  # noqa: S608 - ours
"""With those that got their commands before there was a limit."""


def changing(run: Run) -> None:
    """In each round the kind is paused, until none of its reports runs, and resumed; limited to two at once,
    while a worker is killed (`kill -9`); and one tenant gets three times the weight of the others, and
    another one report at once. It counts if nothing starts while it must not, and all goes on afterwards."""
    run.wanted = 3 * run.scale.turns
    load = run.load(threads=4, most_open=40, parameters={"steps": 2, "step_ms": 50})
    run.expect_count(run.ended, _REPORTS, "no reports end")
    with _admin(run) as http:
        for _ in range(run.scale.turns):
            _pause(run, http)
            _limit(run, http)
            _weigh(run, http)
    load.stop()


@contextmanager
def _admin(run: Run) -> Iterator[httpx.Client]:
    """Who leaves nothing limited behind."""

    def check(answer: httpx.Response) -> None:
        if answer.is_error:
            answer.read()
            raise RuntimeError(f"{answer.request.url}: {answer.text}")

    url = run.rig.stack.endpoints.api_url
    with httpx.Client(
        base_url=url, headers=run.rig.reader, timeout=30, event_hooks={"response": [check]}
    ) as http:
        try:
            yield http
        finally:
            http.post(f"{_KIND}:resume")
            http.post(f"{_KIND}:limit", json={"max_running": None})
            for one in http.get(_LIMITS).json()["limits"]:
                http.delete(_LIMITS, params={"level": one["level"], "tenant": one["tenant"]})


def _pause(run: Run, http: httpx.Client) -> None:
    http.post(f"{_KIND}:pause", json={"reason": "a fault"})
    run.expect(lambda: _running(run) == 0, run.scale.ends_within, "reports of a paused kind run on and on")
    before = recording.count_ended(run.rig, run.name)
    run.wait(_QUIET_SECONDS)
    if recording.count_ended(run.rig, run.name) != before:
        raise RuntimeError("a report of a paused kind has started")
    http.post(f"{_KIND}:resume")
    _goes_on(run, "after the kind was resumed")


def _limit(run: Run, http: httpx.Client) -> None:
    http.post(f"{_KIND}:limit", json={"max_running": _MOST})
    run.expect(lambda: _under_way(run) <= _MOST, run.scale.ends_within, "more run than the limit of the kind")
    run.expect(lambda: workers.kill_one(run), run.scale.ends_within, "no worker has a job")
    _goes_on(run, "beside the limit of the kind", most=_MOST)
    http.post(f"{_KIND}:limit", json={"max_running": None})
    _goes_on(run, "after the limit of the kind")


def _weigh(run: Run, http: httpx.Client) -> None:
    first, second, *_ = TENANTS
    http.put(_LIMITS, json={"level": "tenant", "tenant": first, "weight": 3})
    http.put(_LIMITS, json={"level": "tenant", "tenant": second, "max_running": 1})
    run.expect(
        lambda: _under_way(run, second) <= 1, run.scale.ends_within, "more run than the tenant's limit"
    )
    _goes_on(run, "beside the limit of a tenant", most=1, tenant=second)
    for tenant in (first, second):
        http.delete(_LIMITS, params={"level": "tenant", "tenant": tenant})
    _goes_on(run, "after the limit of a tenant")


def _goes_on(run: Run, when: str, most: int | None = None, tenant: str | None = None) -> None:
    """Further reports end; meanwhile no more than `most` run, of that tenant or of all."""
    wanted, seen = run.ended() + _REPORTS, 0

    def is_far() -> bool:
        nonlocal seen
        seen = max(seen, _running(run, tenant))
        return run.ended() >= wanted

    run.expect(is_far, run.scale.ends_within, f"no reports end {when}")
    if most is not None and seen > most:
        raise RuntimeError(f"{seen} reports run at once {when}, which is {most}")
    run.inject(int(most is None))


def _running(run: Run, tenant: str | None = None) -> int:
    return int(run.rig.rows(_RUNNING, tenant)[0]["running"])


def _under_way(run: Run, tenant: str | None = None) -> int:
    return int(run.rig.rows(_UNDER_WAY, tenant)[0]["running"])
