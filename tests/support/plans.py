"""What a plan of PostgreSQL reads, from `EXPLAIN (FORMAT JSON)`."""

from collections.abc import Iterator
from typing import Any

_LARGE = {"reports", "report_changes", "idempotency_keys", "dead_letters", "publications"}


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """The tables and indexes that it reads from their beginning to their end."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in _LARGE:
        yield plan["Relation Name"]
    if "Index Name" in plan and "Index Cond" not in plan:
        yield plan["Index Name"]
    for part in plan.get("Plans", ()):
        yield from scans(part)
