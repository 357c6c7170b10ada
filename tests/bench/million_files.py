"""What the files of a large result cost: processor time and peak memory, each in a process of its own.

    .venv/bin/python -m tests.bench.million_files [ROWS] [OUTPUT …]

Prints a table; the process has the limit of a slot's data memory (RLIMIT_DATA).
"""

import resource
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import duckdb

from report_worker.files import Document, Result, write
from tests.support.documents import definition

_ROWS = 1_000_000
_OUTPUTS = ("csv", "parquet", "json", "xlsx", "html", "pdf")
_LIMIT_MIB = 2048
"""The default of `WAYBILL_SLOT_MEMORY_MIB`."""

_SQL = """
    SELECT i AS id, (i * 7919) % 1000 AS store,
      'customer ' || (i * 104729) % 50000 AS customer, chr((65 + i % 26)::INT) || '-' || i % 997 AS article,
      ((i * 31) % 100000 / 100)::DECIMAL(12, 2) AS price,
      i % 17 AS quantity, ((i * 37) % 10007) / 10007.0 AS share, i % 3 = 0 AS paid,
      DATE '2020-01-01' + (i % 2000)::INT AS day, TIMESTAMP '2020-01-01' + i * INTERVAL 1 MINUTE AS at,
      CASE WHEN i % 11 = 0 THEN NULL ELSE 'a remark, number ' || i END AS remark,
      (i % 5000)::DOUBLE AS seconds
    FROM range({rows}) AS t(i)
"""


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["--one"]:
        _write_one(*arguments[1:])
        return
    rows = int(arguments[0]) if arguments else _ROWS
    with tempfile.TemporaryDirectory(prefix="waybill-million-") as folder:
        with duckdb.connect(config={"threads": 1}) as database:
            path = Path(folder) / "sales.parquet"
            database.execute(f"COPY ({_SQL.format(rows=rows)}) TO '{path}' (FORMAT parquet)")
        sys.stdout.write(
            f"{rows:,} rows of 12 columns, {path.stat().st_size / 2**20:.0f} MiB of Parquet" + "\n"
        )
        sys.stdout.write(f"{'output':<8} {'CPU s':>8} {'peak MiB':>9} {'own MiB':>8} {'file MiB':>9}\n")
        for output in arguments[1:] or _OUTPUTS:
            command = [sys.executable, "-m", "tests.bench.million_files", "--one", output, folder, str(rows)]
            sys.stdout.flush()
            subprocess.run(command, check=True)


def _write_one(output: str, folder: str, rows: str) -> None:
    limit = _LIMIT_MIB * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    columns = [
        "id",
        {"name": "price", "currency": "EUR", "total": "sum"},
        {"name": "share", "format": "percent"},
    ]
    others = ["store", "customer", "article", "quantity", "paid", "day", "at", "remark", "seconds"]
    table = {"from": "sales", "columns": [*columns, *others]}
    document = Document(
        definition(["sales"], sections=[{"blocks": [{"table": table}]}]),
        {},
        {"sales": Result("sales", Path(folder) / "sales.parquet", int(rows))},
        {},
    )
    import_module("report_worker.files.libraries")  # as the process has that slots are forked from
    libraries = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begin = time.process_time()
    files = write(output, document, Path(folder))
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = sum(one.path.stat().st_size for one in files) / 2**20
    sys.stdout.write(f"{output:<8} {seconds:>8.1f} {peak:>9.0f} {peak - libraries:>8.0f} {size:>9.1f}\n")


if __name__ == "__main__":
    main()
