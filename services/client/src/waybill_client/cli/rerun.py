"""`waybill rerun`: a report once more, with other parameters."""

import typer

from waybill_client.cli.arguments import (
    AsJson,
    Follow,
    Key,
    Open,
    Outputs,
    Pairs,
    Priority,
    ReportId,
    Save,
    ShowTrace,
    Tags,
    Timeout,
    Webhook,
)
from waybill_client.cli.parameters import parse_parameters
from waybill_client.cli.reports import after_request
from waybill_client.cli.session import session_of


def register(app: typer.Typer) -> None:
    app.command()(rerun)


def rerun(
    context: typer.Context,
    report_id: ReportId,
    pairs: Pairs = None,
    follow: Follow = False,
    trace: ShowTrace = False,
    save: Save = None,
    outputs: Outputs = None,
    open_it: Open = False,
    key: Key = None,
    timeout: Timeout = None,
    priority: Priority = None,
    webhook: Webhook = None,
    tags: Tags = None,
    as_json: AsJson = False,
) -> None:
    """Request a report once more, with other parameters.

    What is not given is as it was; -p NAME=null leaves a parameter out,
    so that it gets its default. The report of before stays.
    """
    session = session_of(context)
    given = parse_parameters(pairs or [], None)
    report = session.api.rerun(report_id, given, key, timeout, priority, outputs, webhook, tags)
    after_request(session, report, follow=follow, trace=trace, save=save, open_it=open_it, as_json=as_json)
