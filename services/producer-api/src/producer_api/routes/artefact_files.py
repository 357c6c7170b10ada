"""The artefacts of a report: their list, and each by its file name."""

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.description import problem_responses, request_headers
from producer_api.downloads import Downloads, artefact_response
from producer_api.lookup import find_report
from producer_api.problems import Problem
from producer_api.resources import BASE, ArtefactList, ArtefactPreview, DownloadQuery, artefact_list
from producer_api.routes.artefacts import CONDITIONS, FILE_RESPONSES, no_artefact
from waybill.domain import Report, StoredArtefact
from waybill.ledger import ArtefactPreviews


def blueprint(downloads: Downloads, previews: ArtefactPreviews) -> APIBlueprint:
    routes = APIBlueprint("artefact_files", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/artefacts")
    @routes.output(ArtefactList)
    @routes.doc(responses=problem_responses("no-such-report"))
    @requires(Permission.READ)
    def list_all(report_id: str) -> ArtefactList:
        """The files that the report produced, the main one first; none before it has ended."""
        return artefact_list(find_report(downloads.ledger, report_id))

    @routes.get(f"{BASE}/<report_id>/artefacts/<filename>")
    @routes.input(DownloadQuery, location="query", arg_name="query")
    @routes.doc(
        responses={
            **FILE_RESPONSES,
            **problem_responses("no-such-report", "no-such-artefact", "no-artefact"),
        },
        extensions=request_headers(*CONDITIONS),
    )
    @requires(Permission.READ)
    def one(report_id: str, filename: str, query: DownloadQuery) -> Response:
        """One of them, by its file name, as the first."""
        report = find_report(downloads.ledger, report_id)
        return artefact_response(downloads, report, named_artefact(report, filename), query.shown)

    @routes.get(f"{BASE}/<report_id>/artefacts/<filename>/preview")
    @routes.output(ArtefactPreview)
    @routes.doc(
        responses=problem_responses("no-such-report", "no-such-artefact", "no-artefact", "artefact-not-ready")
    )
    @requires(Permission.READ)
    def preview(report_id: str, filename: str) -> ArtefactPreview:
        """The first rows of a CSV or Parquet file, as its worker has read them: at most 100 rows, 50 columns
        and 64 KiB."""
        report = find_report(downloads.ledger, report_id)
        artefact = named_artefact(report, filename)
        found = previews.get(report, artefact.filename)
        if found is None:
            raise Problem(
                "no-such-artefact",
                f"{artefact.filename} has no preview: CSV and Parquet files have one, unless they are not "
                "what their media type says, or their rows are too large.",
                report_id=str(report.id),
            )
        return ArtefactPreview.model_validate_json(found)

    return routes


def named_artefact(report: Report, filename: str) -> StoredArtefact:
    """Raises `Problem` where the report has no such file, or none yet."""
    if not report.artefacts:
        raise no_artefact(report)
    for artefact in report.artefacts:
        if artefact.filename == filename:
            return artefact
    names = ", ".join(artefact.filename for artefact in report.artefacts)
    raise Problem(
        "no-such-artefact",
        f"The report has no artefact {filename[:200]!r}; it has {names}.",
        report_id=str(report.id),
    )
