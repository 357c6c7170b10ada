"""Answers with a report's file: from here, or by an address of the object store."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from flask import Response, request
from werkzeug.http import http_date

from producer_api.access import current_identity
from producer_api.http_rules import Selected, is_unmodified, wanted_range
from producer_api.places import Places, no_place
from producer_api.policies import DownloadPolicy
from waybill.artefacts import ArtefactStore
from waybill.domain import Report, StoredArtefact
from waybill.file_headers import Disposition, content_disposition
from waybill.ledger import Ledger

_ARTEFACT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""An artefact may hold untrusted data: as a page it runs no script and loads nothing."""

_CACHING = "private, no-cache, no-transform"
"""A proxy that compresses would send other bytes than the tag and the ranges are of."""


@dataclass(frozen=True)
class Downloads:
    """What answers with files are made of."""

    ledger: Ledger
    store: ArtefactStore
    places: Places
    policy: DownloadPolicy


def artefact_response(
    downloads: Downloads, report: Report, artefact: StoredArtefact, shown: Disposition
) -> Response:
    """Answers the current GET or HEAD with a file of the report, which its client may read. What a client
    gets, or gets the address of, is noted. Raises `Problem` (412, 416; 503 while this process writes as many
    long answers as it can), `ArtefactMissing` and `ArtefactStoreUnavailable`."""
    selected = Selected(artefact.sha256, report.finished_at, artefact.size)
    if is_unmodified(request, selected):
        return _unmodified(selected)
    part = wanted_range(request, selected)
    if downloads.policy.redirect and downloads.store.is_remote:
        with downloads.places.held():
            method: Literal["GET", "HEAD"] = "HEAD" if request.method == "HEAD" else "GET"
            address = downloads.store.address(artefact, method, shown, downloads.policy.address_lifetime)
        if address is not None:
            note_download(downloads.ledger, report)
            return _redirect(address)
    response = _streamed(downloads, report, artefact, part)
    response.headers.update(_validators(selected))
    if selected.modified is not None:
        response.headers["Last-Modified"] = http_date(selected.modified)
    response.headers.update(
        {
            "Content-Type": artefact.media_type,
            "Content-Disposition": content_disposition(shown, artefact.filename),
            "Accept-Ranges": "bytes",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": _ARTEFACT_POLICY,
        }
    )
    return response


def _streamed(
    downloads: Downloads, report: Report, artefact: StoredArtefact, part: tuple[int, int] | None
) -> Response:
    """Has a place until it is closed, where it has a body."""
    start, end = part or (0, artefact.size)
    if request.method == "HEAD":
        downloads.store.require(artefact)
        return _of_length(artefact.size, ())
    if not downloads.places.take():
        raise no_place()
    try:
        content = downloads.store.open(artefact, start, end)
        note_download(downloads.ledger, report)
    except BaseException:
        downloads.places.release()
        raise
    response = _of_length(end - start, content)
    response.call_on_close(downloads.places.release)
    if part is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{artefact.size}"
    return response


def _of_length(length: int, content: Iterable[bytes]) -> Response:
    response = Response(content)
    response.headers["Content-Length"] = str(length)
    return response


def note_download(ledger: Ledger, report: Report) -> None:
    """The current request's client gets a file of the report, or what is in it."""
    actor = current_identity().actor
    if actor and request.method == "GET":
        ledger.note_download(report, actor)


def _redirect(address: str) -> Response:
    """The address is a credential: no cache may keep it, and no page that it leads to may name it."""
    response = Response(status=307)
    del response.headers["Content-Type"]
    response.headers.update(
        {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )
    return response


def _unmodified(selected: Selected) -> Response:
    response = Response(status=304)
    del response.headers["Content-Type"]
    response.headers.update(_validators(selected))
    return response


def _validators(selected: Selected) -> dict[str, str]:
    return {"ETag": f'"{selected.etag}"', "Cache-Control": _CACHING}
