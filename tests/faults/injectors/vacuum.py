"""A transaction that stays open holds back vacuum: what dies meanwhile stays in the tables."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import IsolationLevel

from tests.faults import recording
from tests.faults.rig import Rig
from tests.faults.run import Run

_ROUNDS = 2
_REPORTS = 10
"""That end before the first round, and that are requested and end in each."""
_FREE_SECONDS = 15.0
"""Until no transaction is left that has begun before the end of the one that held back vacuum."""

_CHURN = {
    "publications": """
DO $$ BEGIN
    INSERT INTO publications (report_id, first_version, last_version, command, created_at)
    SELECT gen_random_uuid(), 1, 1, false, '-infinity' FROM generate_series(1, {rows});
    DELETE FROM publications WHERE created_at = '-infinity';
END $$
""",
    "reports": """
DO $$ DECLARE dead bigint := 0; changed bigint := 1; BEGIN
    WHILE dead < {rows} AND changed > 0 LOOP
        UPDATE reports SET updated_at = updated_at WHERE finished_at IS NOT NULL;
        GET DIAGNOSTICS changed = ROW_COUNT;
        dead := dead + changed;
    END LOOP;
END $$
""",
}
"""By table, what leaves so many dead rows in one transaction: nobody ever sees the messages, and no report
differs afterwards."""

_VACUUMED = re.compile(
    r'^finished vacuuming "[\w.]*?(\w+)": .*? (\d+) are dead but not yet removable', re.DOTALL
)
_PACE = """
SELECT count(*) AS number,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at))::float AS p50
FROM reports
WHERE parameters->>'fault' = %s AND created_at > to_timestamp(%s) AND finished_at IS NOT NULL
"""


@dataclass(frozen=True)
class Bloat:
    """Of a table: the dead rows that a vacuum had to leave, and its size with its indexes afterwards."""

    dead_rows: int
    size_bytes: int

    def __str__(self) -> str:
        return f"{self.dead_rows} dead rows, {self.size_bytes / 2**20:.1f} MiB"


def held_back(run: Run) -> None:
    """A snapshot is kept while dead rows gather in `publications` and `reports`, round after round, that
    every statement has to pass by. A round counts if vacuum has left what it added."""
    run.wanted = _ROUNDS
    load = run.load(threads=2, pause=0.1, parameters={"steps": 2, "step_ms": 50})
    run.expect_count(run.ended, _REPORTS, "no reports end")
    before = _pace(run, 0.0)["p50"]
    with _old_snapshot(run.rig):
        for number in range(1, _ROUNDS + 1):
            _churn(run)
            since = recording.now()
            run.expect_count(partial(_ended_since, run, since), _REPORTS, "no reports end any more")
            kept = _vacuum(run.rig)
            run.inject(int(all(bloat.dead_rows >= number * run.scale.dead_rows for bloat in kept.values())))
    run.notes += [f"{table}: {bloat}" for table, bloat in kept.items()]
    run.notes.append(f"a report took p50 {before:.2f} s before, {_pace(run, since)['p50']:.2f} s in the end")
    load.stop()
    never = "vacuum removes nothing afterwards either: something else holds it back"
    run.expect(lambda: _all_removed(kept, _vacuum(run.rig)), _FREE_SECONDS, never)


def _all_removed(kept: Mapping[str, Bloat], left: Mapping[str, Bloat]) -> bool:
    """All but what has died in the last moments."""
    return all(left[table].dead_rows < bloat.dead_rows / 100 for table, bloat in kept.items())


@contextmanager
def _old_snapshot(rig: Rig) -> Iterator[None]:
    """As a forgotten session has it, or a long query."""
    with rig.database() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM reports")
        yield


def _churn(run: Run) -> None:
    with run.rig.database() as connection:
        for statement in _CHURN.values():
            connection.execute(statement.format(rows=run.scale.dead_rows).encode())


def _pace(run: Run, since: float) -> Mapping[str, Any]:
    """Of the reports that were requested since then and have ended: their `number`, and the `p50` of their
    seconds from request to end."""
    return run.rig.rows(_PACE, run.name, since)[0]


def _ended_since(run: Run, since: float) -> int:
    return int(_pace(run, since)["number"])


def _vacuum(rig: Rig) -> dict[str, Bloat]:
    """Of each table, what is left when it has removed what it can."""
    said: list[str] = []
    with rig.database() as connection:
        connection.autocommit = True
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        connection.execute(f"VACUUM (VERBOSE) {', '.join(_CHURN)}".encode())
        sizes = {
            table: connection.execute("SELECT pg_total_relation_size(%s) AS size", [table]).fetchall()
            for table in _CHURN
        }
    kept = dead_rows(said)
    return {table: Bloat(kept[table], rows[0]["size"]) for table, rows in sizes.items()}


def dead_rows(said: Iterable[str]) -> dict[str, int]:
    """By table, how many dead rows vacuum could not remove, by what it says of itself."""
    return {found[1]: int(found[2]) for line in said if (found := _VACUUMED.match(line))}
