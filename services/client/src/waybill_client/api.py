"""Waybill's HTTP API."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
from httpx_sse import EventSource, SSEError
from pydantic import ValidationError

from waybill_client.download import Download
from waybill_client.errors import ArtefactError, UnexpectedAnswerError
from waybill_client.folders import check_names, chosen, name_in_folder
from waybill_client.http import IMPATIENT, TIMEOUT, Client, RetryPolicy, Server
from waybill_client.models import (
    DEFAULT_TENANT,
    TERMINAL,
    Action,
    ApiKey,
    ApiKeyList,
    ArtefactLink,
    AuditEntry,
    AuditPage,
    DeadLetter,
    DeadLetterPage,
    KindInfo,
    KindLimit,
    KindList,
    Level,
    Limits,
    LimitsList,
    LogPage,
    LogRecord,
    NewApiKey,
    Operation,
    OperationAction,
    OperationCount,
    ParameterSet,
    ParameterSetList,
    Redriven,
    Report,
    ReportPage,
    Role,
    ShownReport,
    Status,
    StatusEvent,
    StatusEventType,
    Usage,
    Waterfall,
)

API = "Waybill's API"
"""Its name in sentences."""

REPORTS = "/api/v1/reports"
KINDS = "/api/v1/kinds"
KEYS = "/api/v1/keys"
LIMITS = "/api/v1/limits"
AUDIT = "/api/v1/audit"
OPERATIONS = "/api/v1/operations"
DEAD_LETTERS = "/api/v1/dead-letters"

_PAGE = 100
_LOG_PAGE = 1000
_LOG_BEGINNING = "0:0"
_LOG_EVENT = "log"
_NO_CONTENT = 204
"""The answer of a status stream when nothing will come after what was seen."""
_RECONNECT_SECONDS = 0.2
_RECONNECT = RetryPolicy(attempts=100)
"""More often than at a first call: a stream outlasts the restart of a producer-api."""
_MOST_EMPTY = 1000
"""Pages one after the other of a search that has found nothing yet, of ten million reports."""
_MOST_SILENT = 2
"""Streams one after the other that brought nothing within the time limit, while the report went on."""


Item = TypeVar("Item")
Page = tuple[Sequence[Item], Any]
"""Some of many, and the cursor of the next page; None after the last."""


class WaybillClient(Client):
    """Requests reports and tells what becomes of them. Threads may share one; close it when done.

    Every method raises `NotSendableError`, `ServerUnreachableError`, `ProblemError` or
    `UnexpectedAnswerError`.
    """

    def __init__(
        self,
        url: str,
        retry: RetryPolicy = IMPATIENT,
        timeout: float = TIMEOUT,
        token: str | None = None,
        ca_file: Path | None = None,
    ) -> None:
        """`timeout`: seconds within which each call ends, however the server behaves. Events and an artefact
        may take longer, as long as something comes. `token`: an API key, or of an OpenID provider; raises
        `CredentialError` where HTTP cannot carry it. `ca_file`: the authorities that are trusted for
        `https://`, as PEM, in place of the public ones; raises `CertificateFileError`."""
        super().__init__(Server(API, url, retry, timeout, token, ca_file))

    def request(
        self,
        kind: str,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        timeout_seconds: float | None = None,
        priority: int | None = None,
        outputs: Sequence[str] | None = None,
        webhook: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Report:
        """Asks for a report; it is accepted and kept when this returns, and has not begun.

        The same request with the same `key` is the same report; without one, each call is a new report.
        `timeout_seconds` bounds each attempt; the kind's own limit is the most. `priority`, 1 to 5, is the
        place among the owner's reports that wait: those of the lowest are first. `outputs` are those of the
        kind that are wanted; without them, it is its first. `webhook` is a URL that the server calls when the
        report has ended, if it allows its host. By `tags`, up to 20 short texts, it is found again.
        """
        body: dict[str, Any] = {"kind": kind, "parameters": dict(parameters or {})}
        if timeout_seconds is not None:
            body["timeout_seconds"] = timeout_seconds
        if priority is not None:
            body["priority"] = priority
        if outputs:
            body["outputs"] = list(outputs)
        if webhook is not None:
            body["webhook"] = {"url": webhook}
        if tags:
            body["tags"] = list(tags)
        name = str(uuid4()) if key is None else key
        return self._server.read(Report, self._server.post(REPORTS, body, name))

    def rerun(
        self,
        report_id: UUID | str,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        timeout_seconds: float | None = None,
        priority: int | None = None,
        outputs: Sequence[str] | None = None,
        webhook: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Report:
        """Asks for a report like an earlier one, but for what is given. `parameters` replace those of their
        names; one that is None gets the kind's default."""
        given = {"timeout_seconds": timeout_seconds, "priority": priority, "outputs": outputs, "tags": tags}
        body: dict[str, Any] = {
            "rerun_of": str(report_id),
            "parameters": dict(parameters or {}),
            **{name: value for name, value in given.items() if value is not None},
        }
        if webhook is not None:
            body["webhook"] = {"url": webhook}
        name = str(uuid4()) if key is None else key
        return self._server.read(Report, self._server.post(REPORTS, body, name))

    def show(self, report_id: UUID | str) -> ShownReport:
        return self._show(report_id, None)

    def reports(
        self,
        status: Status | Sequence[Status] | None = None,
        kind: str | Sequence[str] | None = None,
        limit: int | None = None,
        *,
        owner: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        error: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Iterator[Report]:
        """Newest first, at most `limit`; pages are fetched as they are needed.

        `since` and `until`: when they were requested. `parameters`: each is the text that is given, or is it
        as JSON. What has no index (`tag`, `error`, `parameters`) is looked for in 10,000 reports at a time,
        for as long as more are wanted and there are some: `since` bounds that.
        """
        wanted = {
            "status": _with_commas(status),
            "kind": _with_commas(kind),
            "owner": owner,
            "tag": tag,
            "created_after": _as_time(since),
            "created_before": _as_time(until),
            "error": error,
            **{f"parameter.{name}": _as_text(value) for name, value in (parameters or {}).items()},
        }
        is_search = bool(tag or error or parameters or owner)

        def fetch(size: int, cursor: Any) -> Page[Report]:
            query = {**wanted, "limit": size, "cursor": cursor}
            page = self._server.read(ReportPage, self._server.get(REPORTS, query))
            return page.reports, page.next_cursor

        return _paged(fetch, limit, _MOST_EMPTY if is_search else 0)

    def page_of(self, report: Report) -> str | None:
        """The address of the report's page, for a browser; None where the server has no pages. It is below
        `url`, whatever the server calls it."""
        return f"{self.url}/reports/{report.id}" if report.links.page else None

    def waterfall(self, report_id: UUID | str) -> Waterfall:
        """Where a report's time went, as far as the API knows; of one that still runs too."""
        return self._server.read(Waterfall, self._server.get(f"{REPORTS}/{report_id}/trace"))

    def cancel(self, report_id: UUID | str) -> Report:
        """At once while it waits; while it runs, its worker is asked to end it."""
        return self._server.read(Report, self._server.post(f"{REPORTS}/{report_id}:cancel"))

    def retry(self, report_id: UUID | str, *, from_start: bool = False) -> Report:
        """Restarts a report that failed or was cancelled. `from_start`: also steps run again whose results
        are stored; a server that stores none refuses it."""
        body = {"from_start": True} if from_start else None
        return self._server.read(Report, self._server.post(f"{REPORTS}/{report_id}:retry", body))

    def delete(self, report_id: UUID | str) -> Report:
        """Removes a report that has ended, with its files; it answers what it was."""
        return self._server.read(Report, self._server.delete(f"{REPORTS}/{report_id}"))

    def count_matching(
        self,
        action: OperationAction | str,
        status: Sequence[Status] = (),
        kind: Sequence[str] = (),
        *,
        owner: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        error: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> OperationCount:
        """How many reports `start_operation` would be about. Changes nothing."""
        meant = _meant(status, kind, owner, tag, since, until, error, parameters)
        body = {"action": action, "filter": meant, "dry_run": True}
        return self._server.read(OperationCount, self._server.post(OPERATIONS, body))

    def start_operation(
        self,
        action: OperationAction | str,
        status: Sequence[Status] = (),
        kind: Sequence[str] = (),
        *,
        owner: str | None = None,
        tag: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        error: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        expected: int | None = None,
    ) -> Operation:
        """Cancels, retries or deletes all reports for which what is given holds, as in `reports`; it goes on
        when this returns. Something must be given. With `expected`, it is refused where more fit."""
        meant = _meant(status, kind, owner, tag, since, until, error, parameters)
        body: dict[str, Any] = {"action": action, "filter": meant}
        if expected is not None:
            body["expected"] = expected
        return self._server.read(Operation, self._server.post(OPERATIONS, body))

    def operation(self, operation_id: UUID | str) -> Operation:
        """How far it is."""
        return self._server.read(Operation, self._server.get(f"{OPERATIONS}/{operation_id}"))

    def dead_letters(
        self, reason: str | None = None, redriven: bool = False, limit: int = _PAGE
    ) -> tuple[DeadLetter, ...]:
        """Newest first; those that were redriven too, if `redriven`."""
        query = {"reason": reason, "redriven": str(redriven).lower(), "limit": limit}
        return self._server.read(DeadLetterPage, self._server.get(DEAD_LETTERS, query)).dead_letters

    def redrive(self, reason: str | None = None, limit: int = _PAGE, *, from_start: bool = False) -> Redriven:
        """Restarts the reports of waiting dead letters; `from_start` as in `retry`."""
        body: dict[str, Any] = {"reason": reason, "limit": limit}
        if from_start:
            body["from_start"] = True
        return self._server.read(Redriven, self._server.post(f"{DEAD_LETTERS}:redrive", body))

    def keys(self) -> tuple[ApiKey, ...]:
        """All of them, those that were revoked too."""
        return self._server.read(ApiKeyList, self._server.get(KEYS)).keys

    def create_key(
        self,
        name: str,
        owner: str,
        tenant: str = DEFAULT_TENANT,
        roles: Sequence[Role | str] = (Role.REQUESTER,),
        expires_in_days: float | None = None,
    ) -> NewApiKey:
        """Makes a key for `owner`; this is the only time that its token is answered. `name` says to people
        what it is for."""
        body = {
            "name": name,
            "owner": owner,
            "tenant": tenant,
            "roles": list(roles),
            "expires_in_days": expires_in_days,
        }
        return self._server.read(NewApiKey, self._server.post(KEYS, body))

    def rotate_key(self, key_id: str) -> NewApiKey:
        """Gives a key another token; the one of before works for a few seconds more."""
        return self._server.read(NewApiKey, self._server.post(f"{_of_key(key_id)}:rotate"))

    def revoke_key(self, key_id: str) -> ApiKey:
        """Ends a key. It works for a few seconds more."""
        return self._server.read(ApiKey, self._server.post(f"{_of_key(key_id)}:revoke"))

    def limits(self) -> tuple[Limits, ...]:
        """Those that are set: all of them for an admin, else those that hold in the caller's tenant."""
        return self._server.read(LimitsList, self._server.get(LIMITS)).limits

    def set_limits(self, limits: Limits) -> Limits:
        """Instead of all that the tenant or the owner has. They hold at once."""
        return self._server.read(Limits, self._server.put(LIMITS, limits.model_dump(mode="json")))

    def remove_limits(
        self, level: Level | str, tenant: str | None = None, owner: str | None = None
    ) -> Limits:
        """Those of each then hold. Returns what they were."""
        query = {"level": level, "tenant": tenant, "owner": owner}
        return self._server.read(Limits, self._server.delete(LIMITS, query))

    def usage(self, tenant: str | None = None, owner: str | None = None) -> Usage:
        """What a tenant has now, the caller's own if it is not given; with `owner`, what that owner of it
        has."""
        query = {"tenant": tenant, "owner": owner}
        return self._server.read(Usage, self._server.get(f"{LIMITS}/usage", query))

    def audit(
        self,
        action: Action | str | None = None,
        actor: str | None = None,
        report_id: UUID | str | None = None,
        limit: int | None = None,
    ) -> Iterator[AuditEntry]:
        """Who did what, newest first, at most `limit`; pages are fetched as they are needed."""

        def fetch(size: int, cursor: Any) -> Page[AuditEntry]:
            query = {
                "action": action,
                "actor": actor,
                "report_id": None if report_id is None else str(report_id),
                "limit": size,
                "cursor": cursor,
            }
            page = self._server.read(AuditPage, self._server.get(AUDIT, query))
            return page.entries, page.next_cursor

        return _paged(fetch, limit)

    def kinds(self) -> tuple[KindInfo, ...]:
        return self.kind_list().kinds

    def kind_list(self) -> KindList:
        """The kinds, and those that the server has, but cannot use."""
        return self._server.read(KindList, self._server.get(KINDS))

    def parameter_sets(self, kind: str) -> tuple[ParameterSet, ...]:
        """Those for a kind that the caller may use: its own, and what is shared in its tenant."""
        answer = self._server.get(f"{_of_kind(kind)}/parameter-sets")
        return self._server.read(ParameterSetList, answer).parameter_sets

    def parameter_set(self, kind: str, name: str) -> ParameterSet:
        """The caller's own of this name; else one that is shared."""
        return self._server.read(ParameterSet, self._server.get(_of_set(kind, name)))

    def save_parameters(
        self, kind: str, name: str, parameters: Mapping[str, Any], *, shared: bool = False
    ) -> ParameterSet:
        """Instead of what the caller has under this name. They may be some of the kind's."""
        body = {"parameters": dict(parameters), "shared": shared}
        return self._server.read(ParameterSet, self._server.put(_of_set(kind, name), body))

    def remove_parameters(self, kind: str, name: str) -> ParameterSet:
        """Returns what they were."""
        return self._server.read(ParameterSet, self._server.delete(_of_set(kind, name), {}))

    def pause_kind(self, kind: str, reason: str | None = None) -> KindLimit:
        """No report of the kind starts any more, in any tenant. Requests are accepted, and wait."""
        answer = self._server.post(f"{_of_kind(kind)}:pause", {"reason": reason})
        return self._server.read(KindLimit, answer)

    def resume_kind(self, kind: str) -> KindLimit:
        """Reports of a paused kind start again."""
        return self._server.read(KindLimit, self._server.post(f"{_of_kind(kind)}:resume"))

    def limit_kind(self, kind: str, max_running: int | None) -> KindLimit:
        """At most this number of the kind's reports run at once, in all tenants; None for any number."""
        answer = self._server.post(f"{_of_kind(kind)}:limit", {"max_running": max_running})
        return self._server.read(KindLimit, answer)

    def follow(self, report_id: UUID | str, after: int = 0) -> Iterator[StatusEvent]:
        """Every event of a report with a version above `after`, in order, until it has ended.

        Blocks between events. A broken stream is resumed where it broke, so no event is missed or repeated.
        A report that was restarted after its end has more than one event that ends it.
        """
        for item in self._follow(report_id, _Place(after)):
            if isinstance(item, StatusEvent):
                yield item

    def logs(
        self,
        report_id: UUID | str,
        step: str | None = None,
        attempt: int | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[LogRecord]:
        """What the report's jobs have printed and logged by now, in order, at most `limit` records after the
        position `after`; pages are fetched as they are needed."""

        def fetch(size: int, cursor: Any) -> Page[LogRecord]:
            query = {"step": step, "attempt": attempt, "after": cursor or after, "limit": size}
            page = self._server.read(LogPage, self._server.get(f"{REPORTS}/{report_id}/logs", query))
            return page.records, page.next

        return _paged(fetch, limit, page=_LOG_PAGE)

    def follow_logs(self, report_id: UUID | str, after: str | None = None) -> Iterator[LogRecord]:
        """As `logs`, until the report has ended. Blocks between records; a broken stream is resumed."""
        place = _Place(logs_after=after or _LOG_BEGINNING)
        for item in self._follow(report_id, place):
            if isinstance(item, LogRecord):
                yield item
        yield from self.logs(report_id, after=place.logs_after)

    def _follow(self, report_id: UUID | str, place: "_Place") -> Iterator[StatusEvent | LogRecord]:
        ended, silent = False, 0
        retry: RetryPolicy | None = None
        while True:
            began_at, broken = place.copy(), httpx.TransportError("")
            try:
                for item in self._events(report_id, place, retry):
                    if place.is_behind(item):
                        continue
                    place.after(item)
                    if isinstance(item, StatusEvent):
                        ended = item.type is StatusEventType.STATUS and item.status in TERMINAL
                    yield item
            except httpx.TransportError as error:  # broken in the middle: it is resumed below
                broken = error
            retry = _RECONNECT
            if ended:
                return
            if place == began_at:
                seen = place.version
                report = self._show(report_id, retry)
                withheld = isinstance(broken, httpx.TimeoutException) and report.version > seen
                if report.ended and not withheld:
                    return
                silent = silent + 1 if withheld else 0
                if silent == _MOST_SILENT:
                    raise self._server.unreachable(broken)
            time.sleep(_RECONNECT_SECONDS)

    def artefact_url(self, artefact: ArtefactLink) -> str:
        return self.url + self._path_of(artefact)

    def download(self, report: Report, destination: Path, artefact: ArtefactLink | None = None) -> Path:
        """Writes an artefact of a report, the first if none is given, to `destination` and answers the file's
        path.

        A directory stands for a file in it, named as the artefact is; what is there under that name is
        replaced, a link too. The file appears only when it is whole and has the checksum that the report
        tells; else `ArtefactError`. A device, a pipe or a link that `destination` names stays, and is written
        to.
        """
        artefact = artefact or self._artefact(report)
        if destination.is_dir():
            return self._fetch_whole(artefact, destination / name_in_folder(artefact))
        if destination.is_symlink() or (destination.exists() and not destination.is_file()):
            self._fetch_into(artefact, destination)
            return destination
        return self._fetch_whole(artefact, destination)

    def download_all(self, report: Report, folder: Path, output: str | None = None) -> tuple[Path, ...]:
        """Writes all artefacts of a report, or those that are this output, into a folder, which is made where
        it is missing; as `download`. Where two have the same name it writes none: `ArtefactError`."""
        artefacts = chosen(report, output)
        check_names(artefacts)
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(self.download(report, folder, one) for one in artefacts)

    def write_artefact(self, report: Report, sink: IO[bytes]) -> None:
        """As `download`, into an open file: a broken artefact is noticed when it has been written."""
        self._fetch(self._artefact(report), sink)

    def _fetch_whole(self, artefact: ArtefactLink, path: Path) -> Path:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            part = Path(file.name)
        try:
            self._fetch_into(artefact, part)
            part.chmod(0o644)
            return part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _show(self, report_id: UUID | str, retry: RetryPolicy | None) -> ShownReport:
        return self._server.read(ShownReport, self._server.get(f"{REPORTS}/{report_id}", retry=retry))

    def _artefact(self, report: Report) -> ArtefactLink:
        return report.artefact or chosen(report)[0]

    def _path_of(self, artefact: ArtefactLink) -> str:
        """Below `url`. Behind a path prefix the API's links have it, if the API knows it. Its own addresses
        may begin like the prefix, as with `/api`."""
        href, prefix = artefact.href, httpx.URL(self.url).path.rstrip("/")
        if href.startswith(f"{REPORTS}/") or not href.startswith(f"{prefix}/"):
            return href
        return href.removeprefix(prefix)

    def _fetch_into(self, artefact: ArtefactLink, path: Path) -> None:
        with path.open("wb") as sink:
            self._fetch(artefact, sink)

    def _fetch(self, artefact: ArtefactLink, sink: IO[bytes]) -> None:
        path = self._path_of(artefact)
        if not path.startswith("/"):  # such as "@host/path", by which the token would go elsewhere
            raise ArtefactError(
                f"The address of the artefact {artefact.filename} is none of {self.url}: {path}."
            )
        digest, size = hashlib.sha256(), 0
        for chunk in Download(self._server, path, artefact.size).chunks():
            digest.update(chunk)
            size += sink.write(chunk)
        if (size, digest.hexdigest()) != (artefact.size, artefact.sha256):
            raise ArtefactError(
                f"The artefact {artefact.filename} came as {size} bytes with SHA-256 {digest.hexdigest()}, "
                f"but its report tells {artefact.size} bytes with {artefact.sha256}."
            )

    def _events(
        self, report_id: UUID | str, place: "_Place", retry: RetryPolicy | None
    ) -> Iterator[StatusEvent | LogRecord]:
        """What one connection brings. Raises `httpx.TransportError` when it breaks."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if place.version:
            headers["Last-Event-ID"] = str(place.version)
        path = f"{REPORTS}/{report_id}/events"
        query = None if place.logs_after is None else {"logs": "true", "logs_after": place.logs_after}
        deadline = self._server.deadline()
        stream = self._server.open("GET", path, params=query, headers=headers, retry=retry, deadline=deadline)
        with closing(deadline.live(stream)) as response:
            if response.status_code == _NO_CONTENT:
                return
            try:
                for event in EventSource(response).iter_sse():
                    if event.event in tuple(StatusEventType):
                        yield StatusEvent.model_validate_json(event.data)
                    elif event.event == _LOG_EVENT and place.logs_after is not None:
                        yield from LogPage.model_validate_json(event.data).records
            except (SSEError, ValidationError) as error:
                raise UnexpectedAnswerError(
                    f"{response.url} does not answer with events of a report: {error}"
                ) from error


def _with_commas(values: str | Sequence[str] | None) -> str | None:
    return values if values is None or isinstance(values, str) else ",".join(values)


def _meant(
    status: Sequence[Status],
    kind: Sequence[str],
    owner: str | None,
    tag: str | None,
    since: datetime | None,
    until: datetime | None,
    error: str | None,
    parameters: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The filter of an operation: what was given of it."""
    given: dict[str, Any] = {
        "status": list(status),
        "kind": list(kind),
        "owner": owner,
        "tag": tag,
        "created_after": _as_time(since),
        "created_before": _as_time(until),
        "error": error,
        "parameter": {name: _as_text(value) for name, value in (parameters or {}).items()},
    }
    return {name: value for name, value in given.items() if value}


def _as_time(time: datetime | None) -> str | None:
    """Raises `ValueError` for a time without its zone."""
    if time is not None and time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return time.isoformat() if time else None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass
class _Place:
    """Up to where a stream was read: the version of the last event, and the position of the last record where
    logs are read, too."""

    version: int = 0
    logs_after: str | None = None

    def copy(self) -> "_Place":
        return replace(self)

    def is_behind(self, item: StatusEvent | LogRecord) -> bool:
        return isinstance(item, StatusEvent) and item.version <= self.version

    def after(self, item: StatusEvent | LogRecord) -> None:
        if isinstance(item, StatusEvent):
            self.version = item.version
        else:
            self.logs_after = item.position


def _paged(
    fetch: Callable[[int, Any], Page[Item]], limit: int | None, most_empty: int = 0, page: int = _PAGE
) -> Iterator[Item]:
    """At most `limit`. `fetch` answers a page of that size, from a cursor on. Raises `UnexpectedAnswerError`
    where the pages have no end: the same one again, or more than `most_empty` that are empty."""
    cursor: Any = None
    left, empty = limit, 0
    while left is None or left > 0:
        items, following = fetch(page if left is None else min(left, page), cursor)
        yield from items[:left]
        left = None if left is None else left - len(items)
        if following is None:
            return
        empty = 0 if items else empty + 1
        if empty > most_empty or following == cursor:
            raise UnexpectedAnswerError("The server answers pages of a list that has no end.")
        cursor = following


def _of_kind(kind: str) -> str:
    return f"{KINDS}/{quote(kind, safe='')}"


def _of_set(kind: str, name: str) -> str:
    return f"{_of_kind(kind)}/parameter-sets/{quote(name, safe='')}"


def _of_key(key_id: str) -> str:
    return f"{KEYS}/{quote(key_id, safe='')}"
