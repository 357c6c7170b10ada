"""A step leaves no threads of Arrow behind: the slot's process is there for the next report."""

import subprocess
import sys
from pathlib import Path

_WIDEN = """
import sys
from pathlib import Path
import pyarrow as pa
from report_worker.query.results import result_writer

def threads():
    return len(list(Path("/proc/self/task").iterdir()))

before = threads()
schema = pa.schema([("a", pa.int32()), ("b", pa.string())])
with result_writer(Path(sys.argv[1]), 1_000_000) as start:
    writer = start(schema)
    for _ in range(20):
        writer.write(pa.record_batch([pa.array(range(10_000), pa.int32()), pa.array(["x"] * 10_000)], schema))
    writer.widen(pa.schema([("a", pa.int64()), ("b", pa.string())]))
print(threads() - before)
"""


def test_a_result_whose_columns_are_widened_leaves_no_threads(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WIDEN, str(tmp_path / "rows.parquet")]

    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "0"
