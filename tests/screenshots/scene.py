"""Reports of every sort, so that pages have something to show."""

from dataclasses import dataclass

import httpx

from tests.support.kafka import Record, Topics
from tests.support.waiting import eventually
from waybill_client import Report, WaybillClient


@dataclass(frozen=True)
class Scene:
    """The ids of a report that is done, one that failed, one that runs, and one of a definition; of a dead
    letter, and of an operation."""

    done: str
    failed: str
    running: str
    defined: str
    letter: str
    operation: str


def make_scene(client: WaybillClient, topics: Topics) -> Scene:
    """Blocks until the first of them have ended; the running one goes on for some minutes."""
    for month in (1, 2, 3):
        client.request("flights", {"month": month}, tags=["month-end"])
    for steps in (3, 4):
        client.request("dowork", {"steps": steps, "failing_step": None, "max_step_ms": 300})
    done = client.request("flights", {"month": 7}, tags=["month-end", "summer"])
    failed = client.request("dowork", {})
    defined = client.request("query:late-flights", outputs=["html", "csv"])
    for report in (done, failed, defined):
        _wait(client, report)
    topics.send("report", Record(b"month=7&airport=JFK"), Record(b"\x00\x00\x00\x00\x2a\x0eflights\x0e"))
    letters = eventually(lambda: client.dead_letters() or None, "the dead letters of two messages")
    _wait(client, client.request("dowork", {}, tags=["again"]))
    operation = client.start_operation("retry", tag="again")
    _save_views(client)
    running = client.request("dowork", {"steps": 120, "failing_step": None, "max_step_ms": 6000})
    _until(client, running)
    return Scene(
        str(done.id),
        str(failed.id),
        str(running.id),
        str(defined.id),
        letter=str(letters[0].id),
        operation=str(operation.id),
    )


def _save_views(client: WaybillClient) -> None:
    """As the page does."""
    for form in (
        {"name": "Failed this week", "status": "fail", "within": "7d"},
        {"name": "Month-end flights", "kind": "flights", "tag": "month-end", "shared": "on"},
        {"name": "Long ones", "kind": "dowork", "parameter": "steps=120", "status": "init,processing"},
    ):
        address, headers = f"{client.url}/reports/views", {"Sec-Fetch-Site": "same-origin"}
        httpx.post(address, data=form, headers=headers, follow_redirects=True).raise_for_status()


def _wait(client: WaybillClient, report: Report) -> None:
    for _ in client.follow(report.id):
        pass


def _until(client: WaybillClient, report: Report) -> None:
    """Until it has taken some steps."""
    for event in client.follow(report.id):
        if event.progress and event.progress.done >= 3:
            return
