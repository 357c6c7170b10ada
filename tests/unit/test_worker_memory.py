"""A worker says when its slots may use more memory than its container has."""

from pathlib import Path

import pytest

from report_worker.memory import container_limit_mib, excess


@pytest.mark.parametrize(
    ("text", "limit"),
    [("2147483648\n", 2048), ("max\n", None), ("9223372036854771712\n", None), (None, None)],
)
def test_the_containers_limit(tmp_path: Path, text: str | None, limit: int | None) -> None:
    file = tmp_path / "memory.max"
    if text is not None:
        file.write_text(text)
    assert container_limit_mib([tmp_path / "absent", file]) == limit


def test_slots_that_fit_are_no_reason_for_a_word() -> None:
    assert excess(2, 896, 2048) is None
    assert excess(64, 2048, None) is None


@pytest.mark.parametrize(("slots", "each"), [(2, 2048), (2, 1024), (3, 896)])
def test_slots_that_do_not_fit_are_named_with_the_remedy(slots: int, each: int) -> None:
    said = excess(slots, each, 2048)
    assert said is not None
    assert f"WAYBILL_SLOTS={slots} times WAYBILL_SLOT_MEMORY_MIB={each}" in said
    assert "container's 2048 MiB" in said
    assert "set fewer or smaller slots" in said
