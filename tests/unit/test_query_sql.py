"""A step's SQL: what stands in place of names, where an error is, and what is surely wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.definitions import (
    WrongDefinition,
    for_duckdb,
    for_postgresql,
    placeholders,
    read_definition,
    statement_fault,
)

PIECES = st.sampled_from(
    [
        *(
            "select ",
            ":a",
            ":b",
            ":name",
            "::date",
            " ':c' ",
            ' ":d" ',
            " $$:e$$ ",
            "/* :f */",
            "-- :g\n",
            "\n",
        ),
        *(" = ", "(", ")", ", ", "x", "[1:n]", "%", "'it''s :h'", "é", "\t", "E'\\':i'"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_names_alone_change(sql: str) -> None:
    """Whatever the values are, they are not in it: only names are put in, and can be taken out again."""
    bound = for_postgresql(sql)
    back = bound.sql
    for one in reversed(placeholders(sql, "postgres")):
        written = f"${bound.names.index(one.name) + 1}"
        at = back.rindex(written)
        back = f"{back[:at]}:{one.name}{back[at + len(written) :]}"
    assert back == sql
    assert set(for_duckdb(sql).names) == {one.name for one in placeholders(sql, "duckdb")}


@given(st.lists(PIECES, max_size=12).map("".join), st.data())
def test_a_place_in_what_is_sent_is_found_in_the_original(sql: str, data: st.DataObject) -> None:
    marked = f"{sql} nope"
    bound = for_postgresql(marked)
    if not bound.sql.endswith(" nope"):
        return
    line, column = bound.place(len(bound.sql) - 4)
    assert marked.split("\n")[line - 1][column - 1 :] == "nope"


def test_the_same_name_has_the_same_number() -> None:
    bound = for_postgresql("select :b, :a, :b")
    assert (bound.sql, bound.names) == ("select $1, $2, $1", ("b", "a"))


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "SELECT 1;",
        "select 1; -- and nothing more\n;",
        "-- first\nwith x as (select 1) select * from x",
        "(select 1) union (select 2)",
        "values (1)",
        "table t",
        "select $$;$$, ';', \";\" -- ;",
        "/*+ SeqScan(t) */ select 1",
        "select a[1:2], '{}'::jsonb @> '{}', x ->> 'y' from t where a @@ b and c !~* 'd'",
        "select 'unclosed",
    ],
)
def test_nothing_is_wrong_with_what_may_be_a_select(sql: str) -> None:
    assert statement_fault(sql, "postgres") is None


@pytest.mark.parametrize(
    ("sql", "line", "column", "reason"),
    [
        ("", 1, 1, "has no statement"),
        (" -- nothing", 1, 1, "has no statement"),
        ("delete from t", 1, 1, "begins with DELETE"),
        ("\n  insert into t values (1)", 2, 3, "begins with INSERT"),
        ("create table t (a int)", 1, 1, "begins with CREATE"),
        ("select 1;\nselect 2", 2, 1, "one statement"),
        ("select 1; drop table t", 1, 11, "one statement"),
        ("select $1", 1, 8, "written as :name"),
        ("from t", 1, 1, "begins with FROM"),
    ],
)
def test_what_is_surely_wrong_has_its_place(sql: str, line: int, column: int, reason: str) -> None:
    fault = statement_fault(sql, "postgres")
    assert fault is not None
    assert (fault.line, fault.column) == (line, column)
    assert reason in fault.reason


@pytest.mark.parametrize(
    "sql", ["from t", "from t select a", "pivot t on a in (1) using sum(b)", "describe t"]
)
def test_duckdb_selects_in_more_ways(sql: str) -> None:
    assert statement_fault(sql, "duckdb") is None


def test_a_definition_is_checked_for_it() -> None:
    text = """waybill: 1
name: x
title: X
description: X.
steps:
  - name: a
    source: shop
    sql: |
      with x as (select 1) select * from x;
      delete from x
  - {name: b, source: files, sql: "from 'x.csv'"}
  - {name: c, sql: drop table a}
"""
    with pytest.raises(WrongDefinition) as wrong:
        read_definition(text, "x.yaml")
    assert str(wrong.value).splitlines() == [
        "x.yaml:10:7: must be one statement: write a step for each.",
        "x.yaml:12:20: must be one SELECT, and begins with DROP: a step only reads.",
    ]
