"""What several commands take."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from waybill_client.cli.trace import as_report_id

ReportId = Annotated[UUID, typer.Argument(metavar="ID", help="The report's id.", parser=as_report_id)]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for a script.")]
Pairs = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--parameter",
        metavar="NAME=VALUE",
        help="A parameter; the value is JSON, or else text. Repeatable.",
    ),
]
Set = Annotated[
    str | None,
    typer.Option("--set", metavar="NAME", help="Parameters that 'waybill sets' keeps; others replace them."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Stay and show its status until it ends.")]
ShowTrace = Annotated[
    bool, typer.Option("--trace", help="When it has ended, show its trace. Implies --follow.")
]
Save = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="When it has ended, write its artefact there; several, into a folder. Implies --follow.",
    ),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option("--output", metavar="NAME", help="An output of the kind that is wanted. Repeatable."),
]
Open = Annotated[
    bool,
    typer.Option(
        "--open", help="When it has ended, show its first artefact in the browser. Implies --follow."
    ),
]
Key = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Idempotency key: repeating the request creates no second report."),
]
Timeout = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Time limit of each attempt.", min=0.001)
]
Priority = Annotated[
    int | None,
    typer.Option(min=1, max=5, help="Among your reports that wait, those of the lowest are first."),
]
Webhook = Annotated[
    str | None, typer.Option(metavar="URL", help="What the server calls when the report has ended.")
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TEXT", help="By which it is found again. Repeatable.")
]
