"""Dead letters: list and redrive them."""

from apiflask import APIBlueprint

from producer_api.access import Permission, current_identity, permitted_scope, requires
from producer_api.description import problem_responses
from producer_api.redriving import redrive_each
from producer_api.resources import (
    DeadLetterPage,
    DeadLetterQuery,
    Redriven,
    RedriveRefused,
    RedriveRequest,
    dead_letter_resource,
)
from waybill.ledger import DeadLetters
from waybill.store import DeadLetterFilter

BASE = "/api/v1/dead-letters"


def blueprint(dead_letters: DeadLetters) -> APIBlueprint:
    routes = APIBlueprint("dead_letters", __name__, tag="Dead letters")

    @routes.get(BASE)
    @routes.input(DeadLetterQuery, location="query", arg_name="query")
    @routes.output(DeadLetterPage)
    @routes.doc(responses=problem_responses("wrong-request"))
    @requires(Permission.READ_DEAD_LETTERS)
    def list_some(query: DeadLetterQuery) -> DeadLetterPage:
        """Reports that used up their attempts and messages that could not be read, newest first."""
        page = dead_letters.page(
            DeadLetterFilter(
                query.reason,
                query.redriven,
                query.cursor,
                query.limit + 1,
                scope=permitted_scope(Permission.READ_DEAD_LETTERS),
            )
        )
        shown = page[: query.limit]
        return DeadLetterPage(
            dead_letters=[dead_letter_resource(letter) for letter in shown],
            next_cursor=str(shown[-1].id) if len(page) > query.limit else None,
        )

    @routes.post(f"{BASE}:redrive")
    @routes.input(RedriveRequest, arg_name="wanted")
    @routes.output(Redriven, status_code=202)
    @routes.doc(
        responses=problem_responses(
            "cross-site", "malformed-body", "body-too-large", "wrong-media-type", "wrong-request"
        )
    )
    @requires(Permission.REDRIVE)
    def redrive(wanted: RedriveRequest) -> Redriven:
        """Restart the reports of waiting dead letters, each in its trace. Steps whose results are stored do
        not run again."""
        unredriven = DeadLetterFilter(
            wanted.reason, limit=wanted.limit, reports_first=True, scope=permitted_scope(Permission.REDRIVE)
        )
        outcomes = list(
            redrive_each(
                dead_letters,
                dead_letters.page(unredriven),
                current_identity().actor,
                from_start=wanted.from_start,
            )
        )
        return Redriven(
            reports=[one.report.id for one in outcomes if one.report],
            refused=[RedriveRefused(id=one.letter.id, detail=one.refused) for one in outcomes if one.refused],
        )

    return routes
