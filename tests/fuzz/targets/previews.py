"""Files of jobs, of which a preview is made."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from report_worker.previews import MAX_BYTES, preview_of
from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_bytes
from tests.fuzz.target import Check, Place

_ROWS = 120
_CSV = b'day,"note ""a"", b",amount\r\n' + b"".join(
    b'2026-01-%02d,"x\ny",%d.5\r\n' % (n % 28, n) for n in range(_ROWS)
)


def _parquet() -> bytes:
    file = io.BytesIO()
    table = pa.table(
        {"n": list(range(_ROWS)), "text": [f"{n} \u00e9" for n in range(_ROWS)], "flag": [None] * _ROWS}
    )
    pq.write_table(table, file, compression="none")
    return file.getvalue()


@contextmanager
def previews(place: Place) -> Iterator[Check]:
    """Whatever is in the file, nothing is raised, and what is made is bounded. True where there is one."""
    path, sorts = place.folder / "file", (("text/csv", _CSV), ("application/vnd.apache.parquet", _parquet()))

    def check(choices: Choices) -> bool:
        media_type, valid = choices.one(sorts)
        path.write_bytes(mutated_bytes(choices, valid))
        made = preview_of(path, media_type)
        if made is None:
            return False
        assert len(made.encode()) <= MAX_BYTES
        assert "\0" not in made
        preview = json.loads(made)
        assert len(preview["rows"]) <= 100
        assert len(preview["columns"]) <= 50
        assert all(len(row) == len(preview["columns"]) for row in preview["rows"])
        return True

    yield check
