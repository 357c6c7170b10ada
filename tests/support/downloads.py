"""Reports with files in an API of the test's own process, and requests for them."""

import io
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from tests.support.access import Access
from waybill.artefacts import ArtefactStore
from waybill.domain import Action, End, Fence, Report, Status
from waybill.kinds import Artefact
from waybill.store import AuditFilter


def stored(
    api: Access,
    folder: Path,
    content: bytes,
    filename: str = "report.bin",
    media_type: str = "text/html",
    store: ArtefactStore | None = None,
) -> Report:
    """A report of Ann's that has ended, with a file; `store` puts it where the API's own is not."""
    report = api.requested(api.ann)
    claimed = api.services.ledger.claim(report.id, "the test", alone=True)
    assert claimed is not None
    fence = Fence(report.id, claimed.attempt, "the test")
    path = folder / "produced"
    path.write_bytes(content)
    with io.FileIO(path) as file:
        artefact = Artefact(path, media_type, filename)
        kept = (store or api.services.artefacts).put(
            api.ann.owner.tenant, report.id, fence.attempt, artefact, file
        )
    return api.services.ledger.finish(fence, End(Status.DONE), [kept])


def ask(api: Access, report: Report, query: str = "", method: str = "GET", **headers: str) -> TestResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/api/v1/reports/{report.id}/artefact{query}"
    return api.client.open(path, method=method, headers={**api.ann.headers, **sent})


def downloads(api: Access, report: Report) -> int:
    """How many are in the audit."""
    entries = api.services.ledger.audit(AuditFilter(Action.DOWNLOAD, report_id=report.id))
    return len(entries)


def problem(answer: TestResponse, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.get_json()
    assert found["type"] == f"/problems/{kind}"
    return found
