"""A definition's steps, one after the other, and the files that come of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from report_worker import files
from report_worker.query import Sources, WrongSource, produce
from report_worker.slots.environment import slot_environment
from tests.support.http_server import serving
from tests.support.recorded_work import RecordedWork
from waybill.definitions import defined_kind
from waybill.errors import PermanentError

HEAD = """
waybill: 1
name: flights
title: Flights
description: Of each carrier.
parameters:
  carrier: {type: text, optional: true}
  period: {type: date_range, default: {first: 2013-07-01, last: 2013-07-31}}
  carriers:
    type: text
    multiple: true
    optional: true
    choices: {source: exports, sql: "select carrier from 'flights.csv'"}
outputs: [json, csv, html]
steps:
"""
STEPS = """
  - name: flights
    source: exports
    sql: select * from 'flights.csv' where carrier = :carrier or :carrier is null
    if_empty: "No flight of {carrier} from {period_first} ({period})."
  - name: totals
    sql: select sum(flights)::bigint as flights, :period_first as since from flights
"""


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "flights.csv").write_text("carrier,flights\nAA,1\nUA,2\nB6,3\n")
    return Sources.model_validate({"sources": {"exports": {"type": "files", "url": f"file://{folder}"}}})


@pytest.fixture
def work(tmp_path: Path) -> RecordedWork:
    (tmp_path / "work").mkdir()
    return RecordedWork(tmp_path / "work")


def run(work: RecordedWork, sources: Sources, steps: str = STEPS, **parameters: Any) -> dict[str, Any]:
    """The JSON that was written."""
    kind = defined_kind(f"{HEAD}{steps}")
    [artefact] = produce(kind.definition, kind.read_parameters(parameters), work, sources=sources)
    found: dict[str, Any] = json.loads(artefact.path.read_text())
    return found


def test_steps_then_files(work: RecordedWork, sources: Sources) -> None:
    found = run(work, sources)
    assert list(work.steps) == ["parameters", "flights", "totals", "json"]
    assert work.steps == dict.fromkeys(work.steps)
    assert "6" in json.dumps(found)
    assert "2013-07-01" in json.dumps(found)


def test_a_step_that_an_earlier_attempt_has_done_is_not_done_again(
    tmp_path: Path, work: RecordedWork, sources: Sources
) -> None:
    first = run(work, sources)
    kept = work.directory / "results" / "flights.parquet"
    (tmp_path / "again" / "results").mkdir(parents=True)
    reused = tmp_path / "again" / "results" / "flights.parquet"
    reused.write_bytes(kept.read_bytes())
    (tmp_path / "exports" / "flights.csv").write_text("carrier,flights\nAA,100\nUA,2\nB6,3\n")

    again = RecordedWork(tmp_path / "again", results={"flights": reused})

    assert run(again, sources) == first


def test_the_wanted_outputs_are_written(work: RecordedWork, sources: Sources) -> None:
    work.outputs = ("csv", "json")
    kind = defined_kind(f"{HEAD}{STEPS}")
    artefacts = produce(kind.definition, kind.read_parameters({}), work, sources=sources)
    assert [one.path.suffix for one in artefacts] == [".csv", ".json"]
    assert list(work.steps)[-2:] == ["csv", "json"]


def test_an_output_that_cannot_be_made_is_refused_before_any_step(
    work: RecordedWork, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.outputs = ("csv", "pdf")
    monkeypatch.setattr(files, "unavailable", {"pdf": "pdf needs Pango.", "csv": None}.get)
    kind = defined_kind(f"{HEAD}{STEPS}")
    with pytest.raises(PermanentError, match=r"^pdf needs Pango\.$"):
        produce(kind.definition, kind.read_parameters({}), work, sources=sources)
    assert not work.steps


WRONG = """
  - name: flights
    keep_going: true
    source: exports
    sql: select * from 'flights.csv'
  - name: after
    sql: select 1 as a
sections:
  - blocks:
      - table: {from: after}
      - chart: {type: line, from: flights, x: month, y: flights}
"""


def test_a_column_that_is_not_there_is_found_before_the_next_step(
    work: RecordedWork, sources: Sources
) -> None:
    work.outputs = ("html",)
    with pytest.raises(PermanentError) as wrong:
        run(work, sources, WRONG)
    assert str(wrong.value) == (
        "month: the result of step flights has no such column; it has carrier, flights."
        " See section 1, block 2, chart, x of the definition."
    )
    assert list(work.steps) == ["parameters", "flights"]


@pytest.mark.parametrize("output", ["json", "csv"])
def test_what_an_output_does_not_show_does_not_fail_it(
    work: RecordedWork, sources: Sources, output: str
) -> None:
    work.outputs = (output,)
    kind = defined_kind(f"{HEAD}{WRONG}")
    assert produce(kind.definition, kind.read_parameters({}), work, sources=sources)


def test_a_result_of_an_earlier_attempt_is_looked_at_too(
    tmp_path: Path, work: RecordedWork, sources: Sources
) -> None:
    work.outputs = ("csv",)
    kind = defined_kind(f"{HEAD}{WRONG}")
    produce(kind.definition, kind.read_parameters({}), work, sources=sources)
    (tmp_path / "again").mkdir()
    kept = {"flights": work.directory / "results" / "flights.parquet"}
    again = RecordedWork(tmp_path / "again", results=kept)
    again.outputs = ("html",)
    with pytest.raises(PermanentError, match="month: the result of step flights has no such column"):
        run(again, sources, WRONG)


def test_a_result_without_rows_says_why(work: RecordedWork, sources: Sources) -> None:
    with pytest.raises(
        PermanentError, match=r"No flight of XX from 2013-07-01 \(2013-07-01 to 2013-07-31\)\."
    ):
        run(work, sources, carrier="XX")
    assert list(work.steps) == ["parameters", "flights"]


def test_a_value_must_be_one_of_the_choices(work: RecordedWork, sources: Sources) -> None:
    run(work, sources, carriers=["AA", "B6"])
    with pytest.raises(PermanentError, match=r"carriers: 'ZZ' is none of the values. They are: AA, UA, B6"):
        run(work, sources, carriers=["AA", "ZZ"])


def test_a_step_that_may_fail_lets_the_others_go_on(work: RecordedWork, sources: Sources) -> None:
    more = """
  - name: broken
    keep_going: true
    sql: select nope from totals
  - name: after
    sql: select count(*) as n from flights
"""
    run(work, sources, f"{STEPS}{more}")
    assert "nope" in str(work.steps["broken"])
    assert work.steps["after"] is None


def test_a_step_that_needs_a_missing_result_says_so(work: RecordedWork, sources: Sources) -> None:
    more = """
  - name: broken
    keep_going: true
    sql: select nope from totals
  - name: after
    sql: select * from broken
"""
    with pytest.raises(PermanentError, match="There is no result of broken"):
        run(work, sources, f"{STEPS}{more}")


def test_a_call_and_sql_over_its_rows(work: RecordedWork, sources: Sources) -> None:
    more = """
  - name: rates
    http: {service: rates, path: "/rates/{period_first}", rows: "$.rates[*]"}
    if_empty: There are no rates.
  - name: in_euro
    sql: select sum(flights * rate) as total from flights, rates
"""
    with serving() as server:
        service = {"type": "http", "url": server.url, "private_networks": ["127.0.0.1"]}
        both = Sources.model_validate({"sources": {"exports": sources["exports"], "rates": service}})
        server.routes["GET /rates/2013-07-01"] = lambda request: request.json({"rates": [{"rate": 2.0}]})
        run(work, both, f"{STEPS}{more}")
        server.routes["GET /rates/2013-07-01"] = lambda request: request.json({"rates": []})
        again = RecordedWork(work.directory.parent / "again")
        again.directory.mkdir()
        with pytest.raises(PermanentError, match="There are no rates"):
            run(again, both, f"{STEPS}{more}")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (
            "{name: a, source: nowhere, sql: select 1 as a}",
            "There is no source 'nowhere'; there are: exports",
        ),
        ("{name: a, http: {service: exports, path: /x}}", "is no HTTP service"),
    ],
)
def test_sources_that_do_not_fit(work: RecordedWork, sources: Sources, step: str, reason: str) -> None:
    with pytest.raises(WrongSource, match=reason):
        run(work, sources, f"  - {step}\n")


def test_a_step_says_on_its_span_what_it_has_read(
    work: RecordedWork, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, dict[str, Any]] = {}
    tracer = TracerProvider().get_tracer("test")
    step = RecordedWork.step

    def traced(_: RecordedWork, name: str, *, keep_going: bool = False, resume: bool = False) -> Any:
        span = tracer.start_span(name)

        class Both:
            def __enter__(self) -> Any:
                self.used = trace.use_span(span)
                self.inner = step(work, name, keep_going=keep_going, resume=resume)
                self.used.__enter__()
                return self.inner.__enter__()

            def __exit__(self, *error: Any) -> None:
                self.inner.__exit__(*error)
                self.used.__exit__(*error)
                seen[name] = dict(getattr(span, "attributes", {}))

        return Both()

    monkeypatch.setattr(RecordedWork, "step", traced)
    run(work, sources)
    assert seen["flights"]["report.step.source"] == "exports"
    assert seen["flights"]["report.step.rows"] == 3
    assert seen["totals"]["report.step.source"] == "results"
    assert seen["totals"]["report.step.bytes"] > 100
    assert seen["json"] == {}


def test_a_slot_finds_the_sources() -> None:
    environment = slot_environment({"WAYBILL_SOURCES": "/etc/sources.yaml", "WAYBILL_DATABASE_URL": "x"})
    assert environment["WAYBILL_SOURCES"] == "/etc/sources.yaml"
    assert "WAYBILL_DATABASE_URL" not in environment
    assert environment["ARROW_DEFAULT_MEMORY_POOL"] == "system"
    assert (
        slot_environment({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"})["ARROW_DEFAULT_MEMORY_POOL"] == "mimalloc"
    )
