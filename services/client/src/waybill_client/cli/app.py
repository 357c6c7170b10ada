"""The command line's commands put together, and what every one of them shares."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import stamina.instrumentation
import typer

from waybill_client import (
    AccessDeniedError,
    CertificateFileError,
    ClientError,
    CredentialError,
    NotSendableError,
    ProblemError,
    ServerUnreachableError,
)
from waybill_client.cli import (
    artefacts,
    audit,
    changing,
    credentials,
    dead_letters,
    demo,
    keys,
    kinds,
    limits,
    listing,
    logs,
    opening,
    plugins,
    reports,
    rerun,
    sets,
    spans,
    trace,
)
from waybill_client.cli.credentials import FILE_OPTION, FILE_VARIABLE, TOKEN_VARIABLE
from waybill_client.cli.escaping import one_line
from waybill_client.cli.files import NotWrittenError
from waybill_client.cli.session import (
    API_VARIABLE,
    CA_VARIABLE,
    JAEGER_VARIABLE,
    TIMEOUT_VARIABLE,
    ExitCode,
    Session,
)
from waybill_client.http import TIMEOUT

_OVER_LIMIT = 429

app = typer.Typer(
    name="waybill",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_COMMANDS = (
    *(reports, changing, opening, rerun, listing, artefacts, logs, sets, kinds, trace, spans, dead_letters),
    *(keys, limits, audit, demo, plugins),
)
for commands in _COMMANDS:
    commands.register(app)


@app.callback()
def _waybill(
    context: typer.Context,
    api_url: Annotated[
        str, typer.Option(envvar=API_VARIABLE, help="Where Waybill's API answers.", metavar="URL")
    ] = "http://127.0.0.1:8080",
    jaeger_url: Annotated[
        str, typer.Option(envvar=JAEGER_VARIABLE, help="Where Jaeger's query API answers.", metavar="URL")
    ] = "http://127.0.0.1:16686",
    answer_timeout: Annotated[
        float,
        typer.Option(
            envvar=TIMEOUT_VARIABLE,
            help="How long a server may take to answer, in seconds; a stream, to be silent.",
            metavar="SECONDS",
            min=0.1,
        ),
    ] = TIMEOUT,
    token_file: Annotated[
        Path | None,
        typer.Option(
            FILE_OPTION,
            help=f"A file with the token for Waybill's API. Without it, {TOKEN_VARIABLE} has the token, or "
            f"{FILE_VARIABLE} names its file; no option has it, since others can see a command line.",
            metavar="FILE",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            envvar=CA_VARIABLE,
            help="A file (PEM) with the authorities that are trusted for https://, and no others.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Request reports, follow them while they run, and see where their time went.

    Exit codes:
      0  when all is well,
      1  when a report or a check failed,
      2  when the request is invalid,
      3  when a server cannot be reached, or a limit leaves no room.
    """
    session = Session(api_url, jaeger_url, answer_timeout, token_file, ca_file)
    context.call_on_close(session.close)
    context.obj = session


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits; an error of ours is one sentence on standard error."""
    stamina.instrumentation.set_on_retry_hooks([])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a bar that the terminal's encoding lacks is no reason to stop
    try:
        app(args=arguments)
    except ClientError as error:
        print(f"waybill: {one_line(str(error))}{_advice(error)}", file=sys.stderr)  # noqa: T201
        sys.exit(_exit_code(error))


def _advice(error: ClientError) -> str:
    if isinstance(error, AccessDeniedError):
        return credentials.advice(error)
    if not isinstance(error, ServerUnreachableError):
        return ""
    option, variable = (
        ("--jaeger-url", JAEGER_VARIABLE) if error.server == "Jaeger" else ("--api-url", API_VARIABLE)
    )
    return f" Give its address with {option} or {variable}."


def _exit_code(error: ClientError) -> ExitCode:
    if isinstance(error, ServerUnreachableError):
        return ExitCode.UNREACHABLE
    if isinstance(error, NotSendableError | NotWrittenError | CredentialError | CertificateFileError):
        return ExitCode.USAGE
    if isinstance(error, ProblemError):
        is_busy = error.status >= 500 or error.status == _OVER_LIMIT
        return ExitCode.UNREACHABLE if is_busy else ExitCode.USAGE
    return ExitCode.FAILED
