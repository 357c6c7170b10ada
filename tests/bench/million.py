"""What a step's result of a million rows costs: its time, and the memory of the process that makes it.

    python -m tests.bench.million [--postgresql URL]

Each is a process of its own, whose data memory is limited as a slot's is. With the URL of a PostgreSQL role
that only reads, the same rows come from there too.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

LIMIT_MIB = 300
ROWS = 1_000_000
_TIMEOUT = timedelta(minutes=10)

DUCKDB = f"""select range as a, range * 2 as b, range::double as c, range::varchar as d,
    md5(range::varchar) as e,
    date '2020-01-01' + (range % 1000)::int as f, (range % 7)::decimal(10, 2) as g, range % 2 = 0 as h,
    timestamp '2020-01-01' + to_seconds(range) as i, range::int as j, 'abc' as k, range + 1 as l
    from range({ROWS})"""  # noqa: S608 - ours
POSTGRESQL = f"""select n::int8 as a, n::int8 * 2 as b, n::float8 as c, n::text as d, md5(n::text) as e,
    date '2020-01-01' + n % 1000 as f, (n % 7)::numeric(10, 2) as g, n % 2 = 0 as h,
    timestamp '2020-01-01' + n * interval '1 second' as i, n as j, 'abc'::text as k, n::int8 + 1 as l
    from generate_series(1, {ROWS}) n"""  # noqa: S608 - ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", metavar="URL")
    parser.add_argument("--measure", choices=("duckdb", "postgresql"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.postgresql)
        return
    for sort in ("duckdb", *(["postgresql"] if arguments.postgresql else [])):
        command = [sys.executable, "-m", "tests.bench.million", "--measure", sort]
        more = ["--postgresql", arguments.postgresql] if arguments.postgresql else []
        environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}  # as slots have it
        done = subprocess.run([*command, *more], env=environment, stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout)
        print(  # noqa: T201
            f"{sort:<11} {found['rows']:,} rows x 12: {found['seconds']:.1f} s, {found['cpu']:.1f} s in"
            f" this process; {found['peak_mib']} MiB at most, {found['before_mib']} before;"
            f" {found['file_mib']} MiB written"
        )


def measure(sort: str, url: str | None) -> None:
    """In a process of its own."""
    from report_worker.query.duck import DuckDbQuery
    from report_worker.query.postgresql import PostgresqlQuery
    from report_worker.query.sources import DuckDbLimits
    from report_worker.slots.state import data_bytes

    limit = data_bytes() + LIMIT_MIB * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    before, started, used = peak_mib(), time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder).resolve() / "results" / "million.parquet"
        if sort == "duckdb":
            limits = DuckDbLimits.model_validate({"memory": "128MiB"})
            query = DuckDbQuery(limits, Path(folder).resolve() / "scratch", _TIMEOUT, ROWS)
            rows = query.run(DUCKDB, {}, target)
        else:
            rows = PostgresqlQuery(url or "", "waybill-bench", _TIMEOUT, ROWS).run(POSTGRESQL, {}, target)
        size = target.stat().st_size
    found = {
        "rows": rows,
        "seconds": time.monotonic() - started,
        "cpu": time.process_time() - used,
        "peak_mib": peak_mib(),
        "before_mib": before,
        "file_mib": size // 2**20,
    }
    sys.stdout.write(json.dumps(found))


def peak_mib() -> int:
    """Of this process, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
