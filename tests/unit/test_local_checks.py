"""The table of checks counts what pytest wrote, and shows why a test was skipped."""

import io
import sys
from pathlib import Path

import pytest

from local.checks import Check, Counts, Result, print_table, processes, read_junit, run_check

JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite>
  <testcase classname="tests.unit.test_a" name="test_passes" time="0.1"/>
  <testcase classname="tests.unit.test_a" name="test_fails"><failure message="no">trace</failure></testcase>
  <testcase classname="tests.unit.test_a" name="test_breaks"><error message="no">trace</error></testcase>
  <testcase classname="tests.unit.test_a" name="test_skips"><skipped message="needs root"/></testcase>
</testsuite></testsuites>
"""


def test_counts_are_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "unit.xml"
    file.write_text(JUNIT)

    counts = read_junit(file)

    assert str(counts) == "1 passed, 2 failed, 1 skipped"
    assert counts.reasons == ("needs root",)


def test_no_file_means_no_tests(tmp_path: Path) -> None:
    assert read_junit(tmp_path / "nothing.xml") == Counts()


def test_a_run_that_tells_nothing_has_failed(tmp_path: Path) -> None:
    """As one that a test has ended by os._exit(0)."""
    nothing = (sys.executable, "-c", "")

    assert not run_check(Check("unit", "unit tests", nothing, tmp_path / "unit.xml"), io.StringIO()).ok
    assert run_check(Check("lint", "ruff", nothing), io.StringIO()).ok


def test_counts_add_up() -> None:
    assert Counts(1, 2, 3, ("a",)) + Counts(10, 20, 30, ("b",)) == Counts(11, 22, 33, ("a", "b"))


def test_the_summary_groups_what_was_skipped_by_its_reason() -> None:
    out = io.StringIO()
    helm, etcd = "no Helm 3: put it on the PATH", "no etcd: put it on the PATH"
    results = [
        Result("unit tests", 65, ok=True, counts=Counts(7, 0, 1, (etcd,))),
        Result("chart tests", 2, ok=False, counts=Counts(1, 1, 3, (helm, etcd, helm))),
    ]

    print_table(results, out)

    assert out.getvalue().splitlines()[1:] == [
        "unit tests            1:05 min  ok      7 passed, 0 failed, 1 skipped",
        "chart tests              2.0 s  FAILED  1 passed, 1 failed, 3 skipped",
        "together              1:07 min",
        "skipped 2: no etcd: put it on the PATH",
        "skipped 2: no Helm 3: put it on the PATH",
        "8 passed, 1 failed, 4 skipped",
    ]


def test_a_check_says_how_long_it_took_the_last_time() -> None:
    out = io.StringIO()

    run_check(Check("lint", "a check", (sys.executable, "-c", "")), out, expected=125)

    assert "== a check (the last time: 2:05 min)" in out.getvalue()


@pytest.mark.parametrize(
    ("group", "cores", "gibibytes", "expected"),
    [
        ("integration", 2, 23, 2),
        ("integration", 2, 8, 2),
        ("integration", 8, 16, 4),
        ("integration", 1, 2, 1),
        ("unit", 2, 4, 2),
        ("unit", 1, 64, 1),
        ("unit", 64, 64, 8),
    ],
)
def test_tests_run_beside_each_other_where_there_is_room(
    group: str, cores: int, gibibytes: int, expected: int
) -> None:
    assert processes(group, cores, gibibytes * 2**30) == expected
