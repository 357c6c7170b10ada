"""`waybill spans`: where a report's time went, by the API alone."""

from collections.abc import Iterator
from datetime import timedelta

import typer
from rich.table import Table
from rich.text import Text

from waybill_client import ReportSpan, Waterfall
from waybill_client.cli import formatting
from waybill_client.cli.arguments import AsJson, ReportId
from waybill_client.cli.escaping import one_line
from waybill_client.cli.session import session_of

_MAX_DEPTH = 50


def register(app: typer.Typer) -> None:
    app.command()(spans)


def spans(context: typer.Context, report_id: ReportId, as_json: AsJson = False) -> None:
    """Show where a report's time went, also while it runs.

    It needs no Jaeger; 'waybill trace' shows all that Jaeger has.
    """
    session = session_of(context)
    found = session.api.waterfall(report_id)
    if as_json:
        session.json(found)
        return
    session.out.print(_table(found))
    if found.truncated:
        session.line("There are more.")


def _table(found: Waterfall) -> Table:
    table = Table("after", "took", "what", box=None, pad_edge=False, header_style="dim")
    for depth, span in _nested(found.spans):
        after = (span.start - found.spans[0].start) / timedelta(microseconds=1)
        took = "runs" if span.duration_ms is None else formatting.duration(span.duration_ms * 1000)
        error = [(f" {one_line(span.error)}", "red")] if span.error else []
        name = Text.assemble("  " * depth, one_line(span.name), *error)
        table.add_row(formatting.duration(max(0.0, after)), took, name)
    return table


def _nested(spans: tuple[ReportSpan, ...]) -> Iterator[tuple[int, ReportSpan]]:
    """Each below its parent, with its depth; in the order of the starts."""
    ids = {span.id for span in spans}
    children: dict[str | None, list[ReportSpan]] = {}
    for span in spans:
        children.setdefault(span.parent if span.parent in ids else None, []).append(span)
    waiting = [(0, span) for span in reversed(children.get(None, ()))]
    while waiting:
        depth, span = waiting.pop()
        yield depth, span
        below = children.pop(span.id, ())
        waiting += [(min(depth + 1, _MAX_DEPTH), child) for child in reversed(below)]
