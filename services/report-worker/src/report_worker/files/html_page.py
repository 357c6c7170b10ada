"""HTML: one page with all that it shows inside."""

from pathlib import Path

from report_worker.files.document import Document
from report_worker.files.naming import file_name
from report_worker.files.page import Medium, render
from waybill.kinds import Artefact

MEDIA_TYPE = "text/html; charset=utf-8"


def write_html(document: Document, folder: Path) -> list[Artefact]:
    path = folder / file_name(document.definition, document.parameters, "html")
    path.write_text(render(document, Medium.SCREEN), encoding="utf-8")
    return [Artefact(path, MEDIA_TYPE, path.name)]
