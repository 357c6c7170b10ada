"""Where a report's time went."""

from apiflask import APIBlueprint

from producer_api.access import Permission, requires
from producer_api.description import problem_responses
from producer_api.lookup import find_report
from producer_api.resources import BASE
from producer_api.waterfall import TraceResource, Waterfalls
from waybill.ledger import Ledger


def blueprint(ledger: Ledger, waterfalls: Waterfalls) -> APIBlueprint:
    routes = APIBlueprint("trace", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/trace")
    @routes.output(TraceResource)
    @routes.doc(responses=problem_responses("no-such-report"))
    @requires(Permission.READ)
    def spans(report_id: str) -> TraceResource:
        """The report's waits, attempts and steps as spans; once it has ended, all that was traced of it, if
        this service knows where."""
        return waterfalls.of(find_report(ledger, report_id))

    return routes
