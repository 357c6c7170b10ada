"""Begins operations and finds them, for programs and for pages."""

from uuid import UUID

from producer_api.access import Permission, current_identity, permitted_scope
from producer_api.operation_runner import OperationRunner
from producer_api.problems import Problem
from waybill.domain import Operation
from waybill.ledger import Count, Operations, TooManyOperations, Wanted


def start_operation(
    operations: Operations, runner: OperationRunner, wanted: Wanted, counted: Count
) -> Operation:
    """In the name of the current request's client. Raises `Problem` where it has too many that run."""
    identity = current_identity()
    try:
        operation = operations.start(wanted, counted, identity.owner, identity.credential)
    except TooManyOperations as error:
        raise Problem("over-limit", str(error), headers={"Retry-After": "10"}) from None
    runner.soon()
    return operation


def find_operation(operations: Operations, operation_id: str) -> Operation:
    """Raises `Problem` where there is none, or it is none of those whose reports the client sees."""
    try:
        found = operations.get(UUID(operation_id))
    except ValueError:
        raise Problem(
            "no-such-operation", f"{operation_id[:100]!r} is not an operation's id, which is a UUID."
        ) from None
    if found is None or not permitted_scope(Permission.READ).covers(found.owner):
        raise Problem("no-such-operation", f"No operation has the id {operation_id}.")
    return found
