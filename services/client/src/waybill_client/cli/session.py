"""What one call of the command line works with."""

from contextlib import ExitStack
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import typer
from pydantic import BaseModel

from waybill_client import ClientError, JaegerClient, TraceSource, WaybillClient
from waybill_client.cli.credentials import find_token
from waybill_client.cli.escaping import SafeConsole, json_text, one_line

API_VARIABLE = "WAYBILL_API_URL"
JAEGER_VARIABLE = "JAEGER_URL"
TIMEOUT_VARIABLE = "WAYBILL_ANSWER_TIMEOUT"
CA_VARIABLE = "WAYBILL_CA_FILE"


class ExitCode(IntEnum):
    """What a script learns from how a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3


class Session:
    """The servers, and where to write: results to `out`, what only a person wants to know to `err`."""

    def __init__(
        self, api_url: str, jaeger_url: str, timeout: float, token_file: Path | None, ca_file: Path | None
    ) -> None:
        """`timeout`: seconds that each server may take to answer. `token_file`: as `find_token` has it.
        `ca_file`: as `WaybillClient` has it, for both servers."""
        self._api_url = api_url
        self._jaeger_url = jaeger_url
        self._timeout = timeout
        self._token_file = token_file
        self._ca_file = ca_file
        self.out = SafeConsole()
        self.err = SafeConsole(stderr=True)
        self.picture: Path | None = None
        """Where a trace that is shown goes as a picture, too."""
        self._open = ExitStack()

    @cached_property
    def api(self) -> WaybillClient:
        token = find_token(self._token_file)
        return self._open.enter_context(
            WaybillClient(self._api_url, timeout=self._timeout, token=token, ca_file=self._ca_file)
        )

    @cached_property
    def jaeger(self) -> JaegerClient:
        return self._open.enter_context(
            JaegerClient(self._jaeger_url, timeout=self._timeout, ca_file=self._ca_file)
        )

    def trace_place(self, trace_id: str) -> str:
        """Where to look at a trace: a page of Jaeger's, else its JSON and why there is no page."""
        reason = self.trace_source.no_pages
        if reason is None:
            return self.jaeger.page(trace_id)
        return f"{self.jaeger.data(trace_id)} (JSON; no page: {reason})"

    def traces_line(self) -> str:
        """Where the traces are read from, for people."""
        source = self.trace_source
        return f"{self.jaeger.url}, {source.name}{' (no web pages)' if source.no_pages else ''}"

    @property
    def trace_source(self) -> TraceSource:
        """What the traces are read from. A Jaeger that does not answer now is taken for one with pages."""
        try:
            return self.jaeger.source
        except ClientError:
            return TraceSource("Jaeger")

    def close(self) -> None:
        self._open.close()

    def line(self, text: str) -> None:
        """One line, however long: what a script may want to cut out."""
        self.out.print(one_line(text), soft_wrap=True)

    def note(self, text: str, *, quiet: bool = False) -> None:
        """A line for a person. `quiet`: standard output is for JSON."""
        (self.err if quiet else self.out).print(one_line(text), soft_wrap=True)

    def json(self, value: BaseModel | Any) -> None:
        """`value` as JSON, on one line where no person watches."""
        data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        self.out.print(json_text(data, indent=2 if self.out.is_terminal else None), soft_wrap=True)

    def json_line(self, value: BaseModel) -> None:
        """`value` as JSON, on one line."""
        self.line(json_text(value.model_dump(mode="json")))


def session_of(context: typer.Context) -> Session:
    return cast(Session, context.obj)
