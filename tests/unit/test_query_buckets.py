"""Files of a bucket: which keys a pattern means, and what its options may be."""

from datetime import timedelta
from pathlib import Path

import pytest

from report_worker.query.buckets import copy_files, pattern_of
from report_worker.query.deadline import Deadline
from report_worker.query.sources import FilesSource, WrongSource


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("2026/*.parquet", "2026/1.parquet", True),
        ("2026/*.parquet", "2026/q1/1.parquet", False),
        ("2026/*.parquet", "x/2026/1.parquet", False),
        ("/2026/?.csv", "2026/1.csv", True),
        ("2026/?.csv", "2026/11.csv", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "a/b/c.csv", True),
        ("a/**", "a/b/c.csv", True),
        ("a.b", "axb", False),
        ("a[1].csv", "a[1].csv", True),
    ],
)
def test_patterns(pattern: str, key: str, matches: bool) -> None:
    assert bool(pattern_of(pattern).fullmatch(key)) is matches


@pytest.mark.parametrize(
    "options",
    [
        {"nope": "s3cret"},
        {"allow_http": "s3cret"},
        {"aws_timeout": "s3cret"},
        {"skip_signature": "s3cret"},
        {"access_key_id": "s3cret"},
    ],
)
def test_wrong_options_are_refused_without_their_values(tmp_path: Path, options: dict[str, str]) -> None:
    source = FilesSource.model_validate({"type": "files", "url": "s3://bucket/x", "options": options})
    with pytest.raises(WrongSource) as wrong:
        copy_files(source, ["*.csv"], tmp_path, {}, Deadline(timedelta(minutes=1)))
    assert "s3cret" not in str(wrong.value)
