"""What several commands take."""

from typing import Annotated
from uuid import UUID

import typer

from waybill_client.cli.trace import as_report_id

ReportId = Annotated[UUID, typer.Argument(metavar="ID", help="The report's id.", parser=as_report_id)]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for a script.")]
