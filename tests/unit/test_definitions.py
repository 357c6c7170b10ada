"""Definitions: what is read, and where each fault is."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from waybill.definitions import (
    WrongDefinition,
    braces,
    date_ranges,
    defined_kind,
    definition_schema,
    for_duckdb,
    for_postgresql,
    placeholders,
    values_in_sql,
)
from waybill.definitions.folder import DefinedKinds, DefinitionFolder
from waybill.definitions.parameters import names_in_sql
from waybill.kinds import Registry, UnavailableKind, UnknownKind, published
from waybill.kinds.checks import fault_of

SALES = """\
waybill: 1
name: sales
title: Sales
description: What was sold, by region.
heading: Sales of {month}
parameters:
  month: {type: integer, minimum: 1, maximum: 12, default: 7}
  period: {type: date_range, default: last_month, time_zone: America/New_York, max_days: 366}
  region:
    type: text
    choices: [north, {value: south, label: The South}]
    optional: true
steps:
  - name: orders
    source: warehouse
    sql: |
      select region, amount::numeric
      from orders
      where extract(month from day) = :month
        and day between :period_first and :period_last
  - name: rates
    http: {service: rates, path: "/rates/{month}"}
  - name: totals
    sql: select region, sum(amount) as total from orders group by region
sections:
  - title: By region
    blocks:
      - text: |
          Of {month}:
          {totals.total:money}
      - table: {from: totals, columns: [region, {name: total, format: money, currency: EUR}]}
      - chart: {type: bar, from: totals, x: region, y: total}
outputs: [html, csv]
"""

FAULTS = [
    ("title: Sales", "titel: Sales", "3:1: there is no key 'titel' here; did you mean 'title'?"),
    ("name: sales", "name: Sales", "2:7: name: "),
    ("name: sales", "name: sales\nname: again", "3:1: the key 'name' is here for the second time."),
    ("name: sales", "name: &x sales", "2:7: has an anchor or an alias"),
    ("name: sales", "name: !!binary c2FsZXM=", "2:7: has a tag"),
    ("default: 7", "default: 13", "7:60: "),
    ("minimum: 1,", "minimum: 1.5,", "7:35: must be a whole number."),
    ("maximum: 12", "max_length: 12", "7:50: a parameter of type integer has no max_length."),
    ("America/New_York", "America/Springfield", "8:62: there is no time zone 'America/Springfield'"),
    ("default: last_month", "default: last_decade", "8:39: must be today, yesterday"),
    ("[north, {", "[1, {", "11:15: must be a text: put it in quotes."),
    ("[north, {", "[south, {", "11:22: 'south' is there twice."),
    (":month\n", ":moth\n", "19:39: there is no parameter for :moth; there are: :month, :period_end"),
    ("/rates/{month}", "/rates/{orders.x}", "22:34: has no results yet"),
    ("name: totals", "name: orders", "23:11: 'orders' is the name of another step; take another."),
    ("name: totals", "name: html", "23:11: 'html' is reserved; take another."),
    ("Of {month}:", "Of {mnth}:", "29:14: there is no parameter 'mnth'"),
    ("{totals.total:money}", "{totals.total:dollars}", "30:11: there is no format 'dollars'"),
    ("Of {month}:", "Of {month:", "29:14: a single {: write {{ for a brace."),
    ("table: {from: totals", "table: {from: total", "31:23: there is no step 'total'"),
    ("type: bar", "type: pie", "32:23: type: must be 'line', 'bar'"),
    (", y: total}", "}", "32:16: "),
    ("- text: |", "- txt: |", "28:9: must have one of the keys text, figures, table or chart."),
    ("outputs: [html, csv]", "outputs: [html, html]", "33:17: html is there twice."),
    ("outputs: [html, csv]", "outputs: [html, doc]", "33:17: "),
    ("outputs: [html, csv]", "data: [order]", "33:8: there is no step 'order'"),
    ("outputs: [html, csv]", "examples: [{month: 70}]", "33:12: month: "),
    ("title: Sales", "title: [Sales", "4:12: is no YAML"),
    ("source: warehouse\n    ", "", "14:5: the key 'source' is missing"),
]


@pytest.mark.parametrize(("old", "new", "expected"), FAULTS)
def test_a_fault_has_its_place_and_its_reason(old: str, new: str, expected: str) -> None:
    text = SALES.replace(old, new, 1)
    assert text != SALES
    with pytest.raises(WrongDefinition) as error:
        defined_kind(text, "sales.yaml")
    assert any(line.startswith(f"sales.yaml:{expected}") for line in str(error.value).splitlines()), str(
        error.value
    )


def test_every_fault_is_named_at_once() -> None:
    text = SALES.replace(":month\n", ":moth\n").replace("from: totals", "from: total")
    with pytest.raises(WrongDefinition) as error:
        defined_kind(text)
    assert [fault.line for fault in error.value.faults] == [19, 31, 32]


@pytest.mark.parametrize(
    "text",
    ["", "- 1", "[" * 1000, "\0", "\ud800", "a: 1\n---\nb: 2", "a: .nan", "x" * 200_000, '"\\ud800": "\\0"'],
)
def test_what_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(WrongDefinition):
        defined_kind(text)


@given(st.text(max_size=300) | st.text(alphabet="{}[]:-&*!|>'\"# \nab1", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(WrongDefinition):
        defined_kind(text)


def test_a_definition_is_a_kind() -> None:
    kind = defined_kind(SALES, "sales.yaml")
    assert (kind.name, kind.title) == ("query:sales", "Sales")
    assert fault_of(kind) is None
    parameters = kind.read_parameters({"month": 3})
    assert list(kind.step_names(parameters, ["html", "csv"])) == ["orders", "rates", "totals", "html", "csv"]
    assert published(kind.parameters)["properties"]["region"]["x-labels"] == {"south": "The South"}
    assert defined_kind(SALES).digest == kind.digest
    assert defined_kind(SALES + "\n").digest != kind.digest


def test_choices_from_a_query_are_checked_in_a_step_before_the_others() -> None:
    choices = "choices: {source: warehouse, sql: select name from regions}"
    text = SALES.replace("choices: [north, {value: south, label: The South}]", choices)
    kind = defined_kind(text)
    assert list(kind.steps(kind.read_parameters({})))[:2] == ["parameters", "orders"]


def test_a_range_is_stored_as_its_days_and_bound_by_four_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(date_ranges, "datetime", _Clock)
    kind = defined_kind(SALES)
    stored = kind.stored_parameters({"period": "last_month"})
    # one o'clock on 1 November in UTC is still October in New York
    assert stored["period"] == {"first": "2026-09-01", "last": "2026-09-30"}
    values = values_in_sql(kind.definition, kind.read_parameters(stored))
    assert values["period_first"] == date(2026, 9, 1)
    zone = ZoneInfo("America/New_York")
    assert (values["period_start"], values["period_end"]) == (
        datetime(2026, 9, 1, tzinfo=zone),
        datetime(2026, 10, 1, tzinfo=zone),
    )
    assert values["region"] is None
    assert values.keys() == names_in_sql(kind.definition)


class _Clock(datetime):
    @classmethod
    def now(cls, tz: object = None) -> "_Clock":
        return datetime(2026, 11, 1, 1, tzinfo=UTC).astimezone(tz)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2024-02-29", "2024-02-29"),
        ("yesterday", "2024-02-28", "2024-02-28"),
        ("this_week", "2024-02-26", "2024-03-03"),
        ("last_week", "2024-02-19", "2024-02-25"),
        ("this_month", "2024-02-01", "2024-02-29"),
        ("last_month", "2024-01-01", "2024-01-31"),
        ("this_quarter", "2024-01-01", "2024-03-31"),
        ("last_quarter", "2023-10-01", "2023-12-31"),
        ("this_year", "2024-01-01", "2024-12-31"),
        ("last_year", "2023-01-01", "2023-12-31"),
        ("last_7_days", "2024-02-22", "2024-02-28"),
        ("last_30_days", "2024-01-30", "2024-02-28"),
    ],
)
def test_ranges_by_name(name: str, first: str, last: str) -> None:
    found = date_ranges.resolve_range(name, ZoneInfo("UTC"), lambda _: date(2024, 2, 29))
    assert found == {"first": first, "last": last}


@pytest.mark.parametrize(
    "parameters",
    [
        {"month": 0},
        {"month": "7"},
        {"region": "east"},
        {"period": {"first": "2026-02-01", "last": "2026-01-01"}},
        {"period": {"first": "2024-01-01", "last": "2026-01-01"}},
        {"period": "last_decade"},
        {"other": 1},
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, object]) -> None:
    model = defined_kind(SALES).parameters
    with pytest.raises(ValidationError):
        model.model_validate_json(json.dumps(parameters), strict=True)


def test_placeholders_are_never_in_texts_comments_names_casts_and_slices() -> None:
    sql = """select ':a', ":b", $$:c$$, x::date, arr[1:n], y -- :d
    /* :e */ from t where f = :f and g=:g and h like '%' and (:h)::int = any(:i)"""
    names = ["f", "g", "h", "i"]
    assert [one.name for one in placeholders(sql, "postgres")] == names
    assert [one.name for one in placeholders(sql, "duckdb")] == names
    assert placeholders(sql, "postgres")[0].line == 2
    numbered = for_postgresql(sql)
    assert "like '%' and ($3)::int = any($4)" in numbered.sql
    assert "f = $1 and g=$2" in numbered.sql
    assert numbered.names == ("f", "g", "h", "i")
    assert "f = $f and g=$g" in for_duckdb(sql).sql


@given(st.text(max_size=80))
def test_sql_without_a_colon_stays_as_it_is(text: str) -> None:
    sql = text.replace(":", "")
    assert for_duckdb(sql).sql == for_postgresql(sql).sql == sql


def test_values_in_braces() -> None:
    text = "{month} of {{x}}: {totals.net total:money}"
    found = braces.fill(text, lambda one: f"<{one.name}|{one.column}|{one.format}>", str.upper)
    assert found == "<month|None|None> OF {X}: <totals|net total|money>"
    assert [fault.position for fault in braces.faults("{ } a { b {Month}")] == [0, 6, 10]


@given(st.text(alphabet="{}ab. :\n", max_size=40))
def test_what_is_not_in_braces_is_kept(text: str) -> None:
    if not braces.references(text) and not braces.faults(text):
        assert braces.fill(text, lambda _: "") == text.replace("{{", "{").replace("}}", "}")


class _Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_changed_file_is_another_kind_within_a_second(tmp_path: Path) -> None:
    clock = _Time()
    kinds = DefinedKinds(Registry([]), DefinitionFolder(tmp_path, clock))
    assert list(kinds) == []
    file = tmp_path / "sales.yaml"
    file.write_text(SALES)
    assert list(kinds) == []  # it was looked at a moment ago
    clock.now += 1
    first = kinds["query:sales"]
    assert (kinds["query:sales"] is first, kinds.broken) == (True, ())
    clock.now += 1
    assert kinds["query:sales"] is first
    file.write_text(SALES.replace("title: Sales", "title: All sales"))
    clock.now += 1
    assert kinds["query:sales"].title == "All sales"
    file.unlink()
    clock.now += 1
    with pytest.raises(UnknownKind):
        kinds["query:sales"]


def test_of_a_file_that_is_wrong_now_the_definition_before_stays(tmp_path: Path) -> None:
    clock = _Time()
    kinds = DefinedKinds(Registry([]), DefinitionFolder(tmp_path, clock))
    file = tmp_path / "sales.yaml"
    file.write_text(SALES)
    assert kinds["query:sales"].title == "Sales"
    file.write_text(SALES.replace("title: Sales", "titel: Sales"))
    clock.now += 1
    assert kinds["query:sales"].title == "Sales"
    [broken] = kinds.broken
    assert "sales.yaml:3:1: there is no key 'titel'" in broken.reason
    assert str(tmp_path) not in broken.reason


def test_a_wrong_file_costs_its_own_kind(tmp_path: Path) -> None:
    (tmp_path / "sales.yaml").write_text(SALES)
    (tmp_path / "wrong.yaml").write_text("name: wrong")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".hidden.yaml").write_text("name: hidden")
    (tmp_path / "notes.txt").write_text("none")
    kinds = DefinedKinds(Registry([]), DefinitionFolder(tmp_path))
    assert [kind.name for kind in kinds] == ["query:sales"]
    assert [one.name for one in kinds.broken] == ["query:binary", "query:gone", "query:wrong"]
    with pytest.raises(UnavailableKind, match=r"wrong\.yaml:1:1: the key 'title' is missing"):
        kinds["query:wrong"]


def test_a_name_that_two_files_have_is_the_name_of_neither(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(SALES)
    kinds = DefinedKinds(Registry([]), DefinitionFolder(tmp_path))
    with pytest.raises(UnavailableKind, match=r"a\.yaml and b\.yaml both define it"):
        kinds["query:sales"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    kinds = DefinedKinds(Registry([]), DefinitionFolder(tmp_path / "none"))
    assert "cannot be read" in kinds.broken[0].reason


def test_the_schema_for_editors_takes_what_is_right() -> None:
    validator = jsonschema_rs.validator_for(definition_schema())
    document = YAML(typ="safe", pure=True).load(SALES)
    assert validator.is_valid(document)
    assert not validator.is_valid({**document, "titel": "x"})
    assert not validator.is_valid({**document, "steps": []})
