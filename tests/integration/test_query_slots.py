"""A definition's steps in a slot: with the sources of the worker's environment, and within its memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report_worker.slots import Failed, ForkServer, Job, Produced, Slot
from tests.support.slots import ended_steps, fork_server, opened, outcome
from waybill.domain import new_report_id

DEFINITION = """
waybill: 1
name: flights
title: Flights
description: Of each carrier.
parameters: {least: {type: integer, default: 1}}
outputs: [json, html]
steps:
  - name: flights
    source: exports
    sql: select * from 'flights.csv' where flights >= :least
  - name: many
    sql: select range as n, md5(range::varchar) as hash from range(300000)
  - name: totals
    sql: select sum(flights)::int as flights, (select count(*) from many) as many from flights
data: [totals]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    folder = tmp_path_factory.mktemp("query")
    (folder / "flights.csv").write_text("carrier,flights\nAA,1\nUA,2\nB6,3\n")
    sources = folder / "sources.yaml"
    sources.write_text(f"sources: {{exports: {{type: files, url: 'file://{folder}'}}}}")
    with fork_server(folder, WAYBILL_SOURCES=str(sources)) as started:
        yield started


@pytest.fixture
def slot(server: ForkServer) -> Iterator[Slot]:
    with opened(server) as one:
        yield one


def run(slot: Slot, directory: Path, text: str = DEFINITION, **parameters: Any) -> tuple[Any, Any]:
    directory.mkdir(exist_ok=True)
    slot.start(Job(new_report_id(), 1, "query:flights", parameters, directory, None, text))
    return outcome(slot, 120)


def test_a_report_is_made_and_its_process_makes_the_next(slot: Slot, tmp_path: Path) -> None:
    pid = slot.pid
    produced, told = run(slot, tmp_path / "work", least=2)
    assert isinstance(produced, Produced), produced
    assert ended_steps(told) == dict.fromkeys(("flights", "many", "totals", "json"))
    [file] = produced.files
    assert '"flights": 5' in json.dumps(json.loads(file.path.read_text()))
    assert produced.left_over == ()

    again, _ = run(slot, tmp_path / "again", DEFINITION.replace("[json, html]", "[pdf]"), least=1)
    assert isinstance(again, Produced), again
    assert again.left_over == ()
    assert slot.pid == pid


def test_sql_that_is_wrong_fails_the_report(slot: Slot, tmp_path: Path) -> None:
    failed, told = run(slot, tmp_path / "work", DEFINITION.replace("sum(flights)", "sum(nope)"))
    assert isinstance(failed, Failed)
    assert (failed.permanent, failed.step) == (True, "totals")
    assert "in line 1 of the SQL" in (ended_steps(told)["totals"] or "")
