"""`waybill preview`: a definition, run where it is written."""

import json
import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from waybill_client.cli.app import app

DEFINITION = """waybill: 1
name: flights
title: Flights
description: Of each carrier.
parameters:
  least: {type: integer, default: 1}
  carrier: {type: text, choices: {source: exports, sql: "select carrier from 'flights.csv'"}, default: AA}
outputs: [html, json]
steps:
  - name: flights
    source: exports
    sql: |
      select carrier, flights
      from 'flights.csv'
      where flights >= :least
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "flights.csv").write_text("carrier,flights\nAA,1\nUA,2\nB6,3\n")
    (tmp_path / "sources.yaml").write_text(
        f"sources:\n  exports: {{type: files, url: 'file://{tmp_path / 'data'}'}}\n"
    )
    (tmp_path / "flights.yaml").write_text(DEFINITION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYBILL_SOURCES", "sources.yaml")
    return tmp_path


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser was to open."""
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", found.append)
    monkeypatch.setenv("DISPLAY", ":0")
    return found


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["preview", "flights.yaml", *arguments])


def test_it_says_each_step_and_opens_the_page(folder: Path, opened: list[str]) -> None:
    done = preview("-p", "least=2")
    assert done.exit_code == 0, done.output
    steps = [line.split()[:3] for line in done.stdout.splitlines()]
    assert steps[:3] == [
        ["parameters", "done", steps[0][2]],
        ["flights", "2", "rows"],
        ["html", "done", steps[2][2]],
    ]
    assert opened == [(folder / "preview" / "flights.html").as_uri()]
    assert "UA" in (folder / "preview" / "flights.html").read_text()


@pytest.mark.parametrize(
    "arguments", [("--no-open",), ("--output", "json")], ids=["as asked", "without a page"]
)
def test_it_opens_nothing(folder: Path, opened: list[str], arguments: tuple[str, ...]) -> None:
    assert preview(*arguments, "--to", "here").exit_code == 0
    assert opened == []
    assert list((folder / "here").iterdir())


def test_nor_without_a_display(folder: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert preview().exit_code == 0
    assert opened == []


def test_each_file_that_is_wanted(folder: Path) -> None:
    assert preview("--output", "json", "--output", "html", "--no-open").exit_code == 0
    assert {one.name for one in (folder / "preview").iterdir()} == {"flights.json", "flights.html"}
    assert "B6" in json.dumps(json.loads((folder / "preview" / "flights.json").read_text()))


@pytest.mark.parametrize(
    ("changed", "place", "reason"),
    [
        (("where flights", "where :flight"), "flights.yaml:15:13: ", "no parameter for :flight"),
        (("select carrier, flights", "select carrier, nope"), "flights.yaml:13:23: flights: ", "nope"),
        (
            ("'flights.csv'\n      where", "'none.csv'\n      where"),
            "flights.yaml:10:5: flights: ",
            "none.csv",
        ),
        (
            ("source: exports\n    sql", "source: nowhere\n    sql"),
            "flights.yaml:10:5: flights: ",
            "'nowhere'",
        ),
        (("default: AA", "default: ZZ"), "flights.yaml:1:1: parameters: ", "'ZZ' is none"),
    ],
)
def test_a_fault_has_its_place(folder: Path, changed: tuple[str, str], place: str, reason: str) -> None:
    assert changed[0] in DEFINITION
    (folder / "flights.yaml").write_text(DEFINITION.replace(*changed))
    done = preview("--no-open")
    assert done.exit_code == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("flights.yaml")]
    assert line.startswith(place)
    assert reason in line
    assert not (folder / "preview").exists()


def test_a_step_that_may_fail_leaves_the_files(folder: Path) -> None:
    more = "  - name: broken\n    keep_going: true\n    sql: |\n      select\n        nope from flights\n"
    (folder / "flights.yaml").write_text(f"{DEFINITION}{more}")
    done = preview("--no-open")
    assert done.exit_code == 1
    assert "flights.yaml:20:9: broken: " in done.stdout
    assert (folder / "preview" / "flights.html").exists()


SHOWN = """outputs: [html, json, xlsx]
heading: "{flights.flights} flights"
sections:
  - title: "Of {flights.carrier}"
    blocks:
      - text: |
          Hello,
          {flights.flights}
      - figures:
          - {label: Flights, value: flights.flights}
      - table:
          from: flights
          group_by: carrier
          columns:
            - carrier
            - {name: flights, total: sum}
      - chart:
          type: bar
          from: flights
          x: carrier
          y: [flights]
steps:
"""


@pytest.mark.parametrize("output", ["html", "xlsx"])
@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (('"{flights.flights} flights', '"{flights.nope} flights'), "9:10"),
        (("value: flights.flights", "value: flights.nope"), "17:37"),
        (("group_by: carrier", "group_by: nope"), "20:21"),
        (("            - carrier", "            - nope"), "22:15"),
        (("name: flights", "name: nope"), "23:22"),
        (("x: carrier", "x: nope"), "27:14"),
        (("y: [flights]", "y: [flights, nope]"), "28:24"),
        (("y: [flights]", "y: flights\n          series: nope"), "29:19"),
    ],
)
def test_a_column_that_is_not_there_is_at_the_key_that_names_it(
    folder: Path, output: str, changed: tuple[str, str], place: str
) -> None:
    assert changed[0] in SHOWN
    text = DEFINITION.replace("outputs: [html, json]\nsteps:\n", SHOWN.replace(*changed))
    (folder / "flights.yaml").write_text(text)
    done = preview("--no-open", "--output", output)
    assert done.exit_code == 1
    says = "nope: the result of step flights has no such column; it has carrier, flights."
    assert done.stderr == f"flights.yaml:{place}: {says}\n"
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["parameters", "flights"]


@pytest.mark.parametrize(
    ("changed", "place", "says"),
    [
        (('"Of {flights.carrier}"', '"Of {flights.nope}"'), "11:12", "nope: the result of step flights"),
        (("          {flights.flights}\n", "          of {flights.nope}\n"), "15:14", "nope: the result of"),
        (("- carrier", "- {name: carrier, total: mean}"), "22:38", "carrier: total: mean is of numbers"),
    ],
)
def test_so_is_what_only_a_page_shows(folder: Path, changed: tuple[str, str], place: str, says: str) -> None:
    assert changed[0] in SHOWN
    text = DEFINITION.replace("outputs: [html, json]\nsteps:\n", SHOWN.replace(*changed))
    (folder / "flights.yaml").write_text(text)
    done = preview("--no-open")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"flights.yaml:{place}: {says}")


def test_a_step_that_may_fail_is_told_also_where_the_report_fails(folder: Path) -> None:
    more = (
        "  - name: broken\n    keep_going: true\n    sql: select nope from flights\n"
        "  - name: after\n    sql: select * from broken\n"
    )
    (folder / "flights.yaml").write_text(f"{DEFINITION}{more}")
    done = preview("--no-open")
    assert done.exit_code == 1
    assert "flights.yaml:18:10: broken: DuckDB says: Binder Error: Referenced column" in done.stdout
    assert done.stderr.startswith("flights.yaml:20:10: after: DuckDB says: ")
    assert "There is no result of broken." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-p", "least=two"), 'least: "two" is not a whole number.'),
        (("-p", "least"), "is not name=value"),
        (("-p", "other=1"), "There is no parameter 'other'; there are"),
        (("-p", "carier=UA"), "There is no parameter 'carier'; did you"),
        (("--output", "pdf"), "is no output of this report: html, json"),
    ],
)
def test_wrong_arguments(folder: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = preview(*arguments)
    assert done.exit_code == 2
    assert reason in done.stderr


def test_parameters_are_json_or_else_text(folder: Path) -> None:
    assert preview("-p", "carrier=UA", "-p", "least=3", "--no-open").exit_code == 0
    assert preview("-p", 'carrier="UA"', "--no-open").exit_code == 0


def test_a_text_that_looks_like_a_number_is_a_text(folder: Path) -> None:
    done = preview("-p", "carrier=1", "--no-open")
    assert "'1' is none of the values" in done.output


PARAMETERS = """parameters:
  who: {type: text, max_length: 5}
  month: {type: integer, minimum: 1, maximum: 12, default: 3}
  class: {type: text, choices: [AA, {value: BB, label: Bee}], default: AA}
  ids: {type: integer, multiple: true, optional: true}
  names: {type: text, multiple: true, optional: true}
  day: {type: date, optional: true}
  period: {type: date_range, default: last_month, max_days: 40}
  code: {type: text, pattern: "^[A-Z]{2}$", optional: true}
  now: {type: boolean, default: false}
"""
SMALL = f"""waybill: 1
name: small
title: Small
description: Small.
{PARAMETERS}outputs: [json]
steps:
  - name: one
    source: results
    sql: "select :who as who, :ids as ids, :names as names"
"""


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "who is missing: give -p who=…, a text, of at most 5 characters."),
        (["who=abcdef"], 'who: "abcdef" is not a text, of at most 5 characters.'),
        (["who=a", "month=13"], "month: 13 is not a whole number, at least 1, at most 12."),
        (["who=a", "class=ZZ"], 'class: "ZZ" is not one of AA, BB.'),
        (["who=a", "ids=x"], "is not a whole number, of which a list is written as -p 'ids=[1, 2]'."),
        (["who=a", "day=2026-13-01"], 'day: "2026-13-01" is not a day, such as 2026-01-31.'),
        (["who=a", 'period={"first": "2026-01-01"}'], "is not a period: last_month, or {"),
        (["who=a", "period=last_mont"], "period: must be today, yesterday,"),
        (["who=a", "period=last_year"], "period: "),
        (["who=a", "code=abc"], 'code: "abc" is not a text, that matches ^[A-Z]{2}$.'),
        (["who=a", "now=perhaps"], 'now: "perhaps" is not true or false.'),
        (["who=null"], None),
        (["who=1", "ids=1", "names=1"], None),
        (["who=[1]", "ids=[1, 2]", 'names=["a", "b"]'], None),
        (["who=a", "ids=null", "names=null", "code=null"], None),
    ],
)
def test_a_parameter_is_refused_with_what_it_may_be(folder: Path, given: list[str], says: str | None) -> None:
    (folder / "small.yaml").write_text(SMALL)
    pairs = [part for one in given for part in ("-p", one)]
    done = CliRunner().invoke(app, ["preview", "small.yaml", *pairs], env={"COLUMNS": "400"})
    assert done.exit_code == (2 if says else 0), done.output
    assert (says or "") in done.stderr


def test_nothing_in_the_data_is_obeyed_by_a_terminal(folder: Path) -> None:
    (folder / "data" / "flights.csv").write_text('carrier,flights\n"A\x1b[2J\nflights.yaml:1:1: made up",1\n')
    done = preview("-p", "carrier=B\x1b[2J", "--no-open")
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    assert r"\x1b[2J" in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("flights.yaml")]) == 1


def test_sources_with_a_fault(folder: Path) -> None:
    (folder / "sources.yaml").write_text("sources:\n  exports: {type: mysql}\n")
    done = preview()
    assert done.exit_code == 1
    assert done.stderr.startswith("sources.yaml:2:12: ")
