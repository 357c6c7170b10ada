"""Operations: cancel, retry or delete many reports at once, and see how far that is."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.description import problem_responses
from producer_api.operating import find_operation, start_operation
from producer_api.operation_resources import (
    OPERATIONS,
    OperationCount,
    OperationRequest,
    OperationResource,
    operation_resource,
    wanted_of,
)
from producer_api.operation_runner import OperationRunner
from producer_api.problems import Problem
from waybill.ledger import Count, Operations

_RETRY_AFTER_SECONDS = "1"
_COUNTED: dict[int | str, Any] = {
    200: {
        "description": "Of a dry run: how many reports match.",
        "content": {
            "application/json": {
                "schema": OperationCount.model_json_schema(),
                "example": {"matched": 1204, "matched_more": False},
            }
        },
    }
}


def blueprint(operations: Operations, runner: OperationRunner) -> APIBlueprint:
    routes = APIBlueprint("operations", __name__, tag="Operations")

    @routes.post(OPERATIONS)
    @routes.input(OperationRequest, arg_name="wanted")
    @routes.output(OperationResource, status_code=202)
    @routes.doc(
        responses=_COUNTED
        | problem_responses(
            "cross-site",
            "malformed-body",
            "too-many-match",
            "body-too-large",
            "wrong-media-type",
            "wrong-request",
            "over-limit",
        )
    )
    @requires(Permission.CHANGE)
    def start(wanted: OperationRequest) -> Response:
        """Cancel, retry or delete many reports. It is kept before this answers, and worked on afterwards."""
        meant = wanted_of(wanted)
        counted = operations.count(meant)
        if wanted.expected is not None:
            _check_expected(wanted.expected, counted)
        if wanted.dry_run:
            answer = OperationCount(matched=counted.matched, matched_more=counted.more)
            return Response(answer.model_dump_json(), 200, mimetype="application/json")
        operation = start_operation(operations, runner, meant, counted)
        resource = operation_resource(operation)
        headers = {"Location": resource.links.self, "Retry-After": _RETRY_AFTER_SECONDS}
        return Response(resource.model_dump_json(), 202, headers, mimetype="application/json")

    @routes.get(f"{OPERATIONS}/<operation_id>")
    @routes.output(OperationResource)
    @routes.doc(responses=problem_responses("no-such-operation"))
    @requires(Permission.READ)
    def show(operation_id: str) -> OperationResource:
        """How far an operation is. It is kept for 30 days after its end."""
        return operation_resource(find_operation(operations, operation_id))

    return routes


def _check_expected(expected: int, counted: Count) -> None:
    if counted.matched <= expected and not counted.more:
        return
    many = f"{counted.matched} or more" if counted.more else str(counted.matched)
    raise Problem(
        "too-many-match",
        f"expected: {expected} reports at most, but {many} match; nothing was changed. Narrow the filter, or "
        "expect more.",
    )
