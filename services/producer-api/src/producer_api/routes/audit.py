"""The audit: who did what."""

from apiflask import APIBlueprint

from producer_api.access import Permission, permitted_scope, requires
from producer_api.description import problem_responses
from producer_api.resources import AuditPage, AuditQuery, audit_resource
from waybill.ledger import Ledger
from waybill.store import AuditFilter


def blueprint(ledger: Ledger) -> APIBlueprint:
    routes = APIBlueprint("audit", __name__, tag="Audit")

    @routes.get("/api/v1/audit")
    @routes.input(AuditQuery, location="query", arg_name="query")
    @routes.output(AuditPage)
    @routes.doc(responses=problem_responses("wrong-request"))
    @requires(Permission.READ_AUDIT)
    def list_some(query: AuditQuery) -> AuditPage:
        """Who requested, cancelled, retried, redrove or downloaded a report, or made a key: newest first."""
        wanted = AuditFilter(
            query.action,
            query.actor,
            query.report_id,
            query.cursor,
            query.limit + 1,
            permitted_scope(Permission.READ_AUDIT),
        )
        found = ledger.audit(wanted)
        shown = found[: query.limit]
        return AuditPage(
            entries=[audit_resource(entry) for entry in shown],
            next_cursor=shown[-1].id if len(found) > query.limit else None,
        )

    return routes
