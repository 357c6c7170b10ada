"""Dead letters of messages that could not be read: what is stored is bounded, and what reading them costs."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.lifecycle_store import Policies, Store, engine_of
from waybill.artefacts import ArtefactStore
from waybill.domain import EvidencePolicy, Origin, new_report_id
from waybill.ledger import NotRedrivable, UnreadMessage
from waybill.messages import Command, UnreadableMessage
from waybill.store import DeadLetterFilter, StoredDeadLetter

pytest_plugins = ["tests.support.lifecycle_fixtures"]

KIB, MIB = 1024, 1024 * 1024
UNREADABLE = UnreadableMessage("not_json", "The message's value is not JSON.")


@contextmanager
def opened(url: str, directory: Path, evidence: EvidencePolicy) -> Iterator[Store]:
    with engine_of(url) as engine:
        store = Store(engine, ArtefactStore(directory.as_uri()), Policies(evidence=evidence))
        store.empty()
        yield store


@pytest.fixture
def bounded(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """64 KiB of each message, and 1 MiB in all."""
    with opened(store_url, tmp_path, EvidencePolicy(64 * KIB, MIB)) as store:
        yield store


def keep(store: Store, offset: int, value: bytes | None, **parts: Any) -> None:
    message = UnreadMessage(
        source=f"report/0/{offset}@0",
        origin=Origin("report", 0, offset),
        key=parts.get("key"),
        value=value,
        headers=parts.get("headers", []),
        carrier=None,
    )
    store.dead_letters.keep(message, UNREADABLE)


def letters(store: Store) -> list[StoredDeadLetter]:
    """The oldest first."""
    return sorted(store.dead_letters.page(DeadLetterFilter(limit=200)), key=lambda letter: letter.offset)


def stored(store: Store) -> list[dict[str, Any]]:
    """The rows, the oldest first."""
    return Database(store.engine).rows('SELECT * FROM dead_letters ORDER BY "offset"')


def peak(action: Any) -> int:
    """The most that Python held at once while `action` ran, in bytes."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_listing_and_redriving_hold_no_more_than_one_message_at_once(store_url: str, tmp_path: Path) -> None:
    with opened(store_url, tmp_path, EvidencePolicy(MIB, 256 * MIB)) as store:
        for offset in range(30):
            keep(store, offset, b"\xfe" * 950_000)

        listing = peak(lambda: letters(store))

        def redrive_all() -> None:
            for letter in letters(store):
                with pytest.raises(NotRedrivable, match="still cannot be read"):
                    store.dead_letters.redrive_letter(letter)

        redriving = peak(redrive_all)

    assert listing < MIB
    assert redriving < 6 * MIB


def test_of_each_message_only_the_beginning_is_stored(bounded: Store) -> None:
    value = b"\xfe" * 950_000
    headers = [(f"header-{number}", b"x" * KIB) for number in range(100)]

    keep(bounded, 1, value, key=b"k" * 500_000, headers=headers)

    (row,), (letter,) = stored(bounded), letters(bounded)
    kept = (
        len(row["key"]) + len(row["value"]) + sum(len(part) for header in row["headers"] for part in header)
    )
    assert kept <= 64 * KIB
    assert value.startswith(row["value"])
    assert len(row["value"]) >= 32 * KIB
    assert row["headers"][0] == ["header-0", "x" * KIB]
    assert (letter.value_size, letter.value_kept) == (950_000, len(row["value"]))
    assert letter.value_sha256 == sha256(value).hexdigest()
    assert bounded.trimmed == [("letter", 950_000 - len(row["value"]))]
    with pytest.raises(NotRedrivable, match=rf"Only the first {len(row['value'])} bytes .* had 950000 bytes"):
        bounded.dead_letters.redrive_letter(letter)


def test_in_all_the_oldest_lose_their_bytes_and_nothing_else(bounded: Store) -> None:
    values = [bytes([number]) * 60 * KIB for number in range(40)]

    for number, value in enumerate(values):
        keep(bounded, number, value, key=b"key", headers=[("name", b"value")])

    rows, kept = stored(bounded), letters(bounded)
    sizes = [len(row["value"] or b"") for row in rows]
    trimmed = sizes.count(0)
    assert sum(sizes) <= MIB + MIB // 16 + 64 * KIB
    assert sizes == [0] * trimmed + [60 * KIB] * (40 - trimmed), "the oldest first"
    assert 40 - trimmed >= 15, "no more than needed"
    assert rows[0]["key"] is None
    assert rows[0]["headers"] == []
    for letter, value in zip(kept, values, strict=True):
        assert (letter.reason, letter.value_size) == ("not_json", len(value))
        assert letter.value_sha256 == sha256(value).hexdigest()
    assert sum(count for why, count in bounded.trimmed if why == "total") >= trimmed * 60 * KIB
    with pytest.raises(NotRedrivable, match=r"bytes were removed, since .* had 61440 bytes, with the SHA"):
        bounded.dead_letters.redrive_letter(kept[0])


def test_those_of_the_version_before_are_trimmed_too(bounded: Store) -> None:
    value = b"\xfe" * 900_000
    for number in range(3):
        Database(bounded.engine).execute(
            'INSERT INTO dead_letters (id, reason, detail, source, topic, partition, "offset", value)'
            " VALUES (:id, 'not_json', 'before', :source, 'report', 0, :offset, :value)",
            id=new_report_id(),
            source=f"before-{number}",
            offset=number,
            value=value,
        )

    keep(bounded, 3, b"certainly not")

    assert [len(row["value"] or b"") for row in stored(bounded)] == [0, 0, 900_000, 13]
    assert letters(bounded)[0].value_sha256 == sha256(value).hexdigest()
    assert letters(bounded)[0].value_size == 900_000


def test_a_message_that_fits_is_redriven_as_before(bounded: Store) -> None:
    report_id = new_report_id()
    keep(bounded, 1, Command(report_id=report_id, kind="dowork").model_dump_json().encode())

    with pytest.raises(NotRedrivable, match="Only a report that failed"):
        bounded.dead_letters.redrive_letter(letters(bounded)[0])
