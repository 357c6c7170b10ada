"""The artefacts of a report: their list, and each by its file name."""

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response

from producer_api.access import Permission, requires
from producer_api.description import problem_responses
from producer_api.lookup import find_report
from producer_api.places import Places
from producer_api.problems import Problem
from producer_api.resources import BASE, ArtefactList, artefact_list
from producer_api.routes.outcome import artefact_response, no_artefact
from waybill.artefacts import ArtefactStore
from waybill.domain import Report, StoredArtefact
from waybill.ledger import Ledger


def blueprint(ledger: Ledger, artefacts: ArtefactStore, places: Places) -> APIBlueprint:
    routes = APIBlueprint("artefact_files", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/artefacts")
    @routes.output(ArtefactList)
    @routes.doc(responses=problem_responses("no-such-report"))
    @requires(Permission.READ)
    def list_all(report_id: str) -> ArtefactList:
        """The files that the report produced, the main one first; none before it has ended."""
        return artefact_list(find_report(ledger, report_id))

    @routes.get(f"{BASE}/<report_id>/artefacts/<filename>")
    @routes.output(FileSchema(type="string", format="binary"), content_type="*/*")
    @routes.doc(
        responses=problem_responses("no-such-report", "no-such-artefact", "no-artefact", "artefact-not-ready")
    )
    @requires(Permission.READ)
    def one(report_id: str, filename: str) -> Response:
        """One of them, by its file name. 503 as for the first."""
        report = find_report(ledger, report_id)
        return artefact_response(report, _named(report, filename), ledger, artefacts, places)

    return routes


def _named(report: Report, filename: str) -> StoredArtefact:
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
