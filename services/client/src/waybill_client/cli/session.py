"""What one call of the command line works with."""

import json
from contextlib import ExitStack
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import typer
from pydantic import BaseModel
from rich.console import Console

from waybill_client import ClientError, JaegerClient, TraceSource, WaybillClient

API_VARIABLE = "WAYBILL_API_URL"
JAEGER_VARIABLE = "JAEGER_URL"


class ExitCode(IntEnum):
    """What a script learns from how a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3


class Session:
    """The servers, and where to write: results to `out`, what only a person wants to know to `err`."""

    def __init__(self, api_url: str, jaeger_url: str) -> None:
        self._api_url = api_url
        self._jaeger_url = jaeger_url
        # what is shown came from elsewhere: a [word] in it is no style, and :key: no picture
        self.out = Console(highlight=False, markup=False, emoji=False)
        self.err = Console(highlight=False, markup=False, emoji=False, stderr=True)
        self.picture: Path | None = None
        """Where a trace that is shown goes as a picture, too."""
        self._open = ExitStack()

    @cached_property
    def api(self) -> WaybillClient:
        return self._open.enter_context(WaybillClient(self._api_url))

    @cached_property
    def jaeger(self) -> JaegerClient:
        return self._open.enter_context(JaegerClient(self._jaeger_url))

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
        """One line as it is, however long: what a script may want to cut out."""
        self.out.print(text, soft_wrap=True)

    def json(self, value: BaseModel | Any) -> None:
        """`value` as JSON, on one line where no person watches."""
        data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        self.line(json.dumps(data, ensure_ascii=False, indent=2 if self.out.is_terminal else None))


def session_of(context: typer.Context) -> Session:
    return cast(Session, context.obj)
