"""PDF: the page on paper, by WeasyPrint, tagged for screen readers (PDF/UA-1)."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

from report_worker.files.availability import unavailable
from report_worker.files.document import Document
from report_worker.files.naming import file_name
from report_worker.files.page import Medium, render
from waybill.errors import PermanentError
from waybill.kinds import Artefact

MEDIA_TYPE = "application/pdf"


def write_pdf(document: Document, folder: Path) -> list[Artefact]:
    """Its identifier is made of its content, and it has no dates. Nothing is fetched. Raises `PermanentError`
    where a library is missing."""
    if reason := unavailable("pdf"):
        raise PermanentError(reason)
    page = render(document, Medium.PAPER)
    path = folder / file_name(document.definition, document.parameters, "pdf")
    identifier = hashlib.sha256(page.encode()).hexdigest()[:32].encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a machine without libharfbuzz-subset
        _read(page).write_pdf(path, pdf_variant="pdf/ua-1", pdf_identifier=identifier)
    return [Artefact(path, MEDIA_TYPE, path.name)]


def _read(page: str) -> Any:
    """The page as WeasyPrint has it, which asks its fetcher for every address that a page names."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    return HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=()))
