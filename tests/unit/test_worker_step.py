"""A step as its kind sees it: what it may keep, and what it finds."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report_worker.scratch import NotInDirectory
from report_worker.slots.protocol import Kept, Reusable
from report_worker.slots.step import SlotStep, Stored
from waybill.domain import MAX_RESULTS, MAX_VALUE_BYTES, MAX_VALUES_BYTES
from waybill.kinds import WrongStep

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def step(directory: Path, stored: Stored | None = None, name: str = "a step") -> SlotStep:
    return SlotStep(name, directory, Stored({}) if stored is None else stored)


@given(JSON)
def test_a_later_attempt_gets_what_the_first_saw(value: Any) -> None:
    first = step(Path("/nowhere"))
    first.keep(value)
    kept = first.kept(None)
    assert kept is not None

    later = step(Path("/nowhere"), Stored({"a step": Reusable(1, kept.value, None, None)}))

    assert later.reused
    assert repr(later.result) == repr(first.result)
    assert "\0" not in (kept.value or "")


def test_what_has_no_form_of_its_own_in_json_is_as_json_gives_it_back(tmp_path: Path) -> None:
    one = step(tmp_path)
    one.keep({1: (2, 3)})

    assert one.result == {"1": [2, 3]}


def test_null_is_a_result_too(tmp_path: Path) -> None:
    one = step(tmp_path)
    one.keep(None)

    assert one.kept(None) == Kept("null", None, None)
    again = step(tmp_path, Stored({"a step": Reusable(1, "null", None, None)}))
    assert (again.reused, again.result) == (True, None)


def test_a_step_that_keeps_nothing_is_not_stored(tmp_path: Path) -> None:
    assert step(tmp_path).kept(None) is None


def test_a_reused_step_keeps_nothing(tmp_path: Path) -> None:
    one = step(tmp_path, Stored({"a step": Reusable(1, "1", None, None)}))

    with pytest.raises(WrongStep, match="is reused"):
        one.keep(2)
    assert one.kept(None) is None


def test_the_bound_of_one_value_is_of_its_json(tmp_path: Path) -> None:
    step(tmp_path).keep("x" * (MAX_VALUE_BYTES - 2))
    with pytest.raises(WrongStep, match=f"{MAX_VALUE_BYTES} are allowed"):
        step(tmp_path).keep("x" * (MAX_VALUE_BYTES - 1))
    with pytest.raises(WrongStep):
        step(tmp_path).keep("é" * (MAX_VALUE_BYTES // 3))  # each is six characters of JSON


def test_all_values_of_a_report_have_a_bound_with_those_of_earlier_attempts(tmp_path: Path) -> None:
    half = Reusable(1, json.dumps("x" * (MAX_VALUE_BYTES - 2)), None, None)
    stored = Stored({f"step {number}": half for number in range(MAX_VALUES_BYTES // MAX_VALUE_BYTES)})

    with pytest.raises(WrongStep, match="in all"):
        step(tmp_path, stored).keep(1)


def test_there_is_a_bound_of_results(tmp_path: Path) -> None:
    stored = Stored({f"step {number}": Reusable(1, "1", None, None) for number in range(MAX_RESULTS)})

    with pytest.raises(WrongStep, match=f"can keep {MAX_RESULTS} results"):
        step(tmp_path, stored).keep(1)


def test_a_name_is_for_one_step(tmp_path: Path) -> None:
    stored = Stored({})
    step(tmp_path, stored, "one")
    step(tmp_path, stored, "another")

    with pytest.raises(WrongStep, match="'one' with resume=True already"):
        step(tmp_path, stored, "one")


def test_a_file_may_be_in_a_folder_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    path = tmp_path / "deep" / "er" / "file"
    path.write_text("x")
    one = step(tmp_path)
    one.keep(path)

    one.check()
    assert (one.result, one.kept(None)) == (path, Kept(None, path, None))


@pytest.mark.parametrize("path", ["../outside", "/etc/hostname", "missing", "."])
def test_anything_else_is_no_file_of_the_job(path: str, tmp_path: Path) -> None:
    with pytest.raises(NotInDirectory, match=r"step\.keep must get a file"):
        step(tmp_path).keep(tmp_path / path)


def test_a_name_that_the_database_does_not_take_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "\udcff"
    path.write_text("x")

    with pytest.raises(NotInDirectory, match="no Unicode"):
        step(tmp_path).keep(path)
