"""Limits of tenants and owners: set, list and remove them, and what is used of them."""

from collections.abc import Callable
from typing import TypeVar

from apiflask import APIBlueprint

from producer_api.access import Permission, current_identity, permitted_scope, requires
from producer_api.description import problem_responses
from producer_api.problems import FieldError, Problem
from producer_api.resources import (
    HolderQuery,
    LimitsList,
    LimitsRequest,
    LimitsResource,
    UsageQuery,
    UsageResource,
    holder_of,
    limits_of,
    limits_resource,
    usage_resource,
)
from waybill.domain import ANONYMOUS, Level, Owner
from waybill.ledger import Limits

BASE = "/api/v1/limits"

Named = TypeVar("Named")


def blueprint(limits: Limits) -> APIBlueprint:
    routes = APIBlueprint("limits", __name__, tag="Limits")

    @routes.get(BASE)
    @routes.output(LimitsList)
    @routes.doc(responses=problem_responses())
    @requires(Permission.READ_LIMITS)
    def list_all() -> LimitsList:
        """The limits that are set: an admin sees all, others those that hold in their tenant."""
        found = limits.page(permitted_scope(Permission.READ_LIMITS))
        return LimitsList(limits=[limits_resource(one) for one in found])

    @routes.put(BASE)
    @routes.input(LimitsRequest, arg_name="wanted")
    @routes.output(LimitsResource)
    @routes.doc(
        responses=problem_responses("cross-site", "malformed-body", "body-too-large", "wrong-media-type")
    )
    @requires(Permission.MANAGE_LIMITS)
    def put(wanted: LimitsRequest) -> LimitsResource:
        """Set the limits of a tenant or an owner, instead of those that it has. They hold at once."""
        new = _checked(lambda: limits_of(wanted))
        if new.values.is_empty:
            raise Problem("wrong-request", "Give at least one limit; DELETE removes them.")
        limits.set(new, current_identity().actor)
        return limits_resource(new)

    @routes.delete(BASE)
    @routes.input(HolderQuery, location="query", arg_name="query")
    @routes.output(LimitsResource)
    @routes.doc(responses=problem_responses("cross-site", "no-such-limits"))
    @requires(Permission.MANAGE_LIMITS)
    def remove(query: HolderQuery) -> LimitsResource:
        """Remove the limits of a tenant or an owner; those of each then hold for it. Answers with what they
        were."""
        holder = _checked(lambda: holder_of(query))
        removed = limits.remove(holder, current_identity().actor)
        if removed is None:
            raise Problem("no-such-limits", f"No limits are set for the {holder.level} {holder}.")
        return limits_resource(removed)

    @routes.get(f"{BASE}/usage")
    @routes.input(UsageQuery, location="query", arg_name="query")
    @routes.output(UsageResource)
    @routes.doc(responses=problem_responses("wrong-request", "not-found"))
    @requires(Permission.READ_LIMITS)
    def usage(query: UsageQuery) -> UsageResource:
        """What a tenant, or an owner of it, has now, and the limits that hold for it."""
        level = Level.TENANT if query.owner is None else Level.OWNER
        tenant = query.tenant or current_identity().owner.tenant
        owner = _checked(lambda: Owner.known(tenant, query.owner or ANONYMOUS))
        if not permitted_scope(Permission.READ_LIMITS).covers(owner):
            raise Problem("not-found", f"There is no tenant {tenant!r}.")
        return usage_resource(*limits.usage(level, owner))

    return routes


def _checked(named: Callable[[], Named]) -> Named:
    """What `named` makes of names; it raises ValueError where they cannot be."""
    try:
        return named()
    except ValueError as error:
        message = str(error)
        field = message.partition(":")[0] if message.startswith(("tenant:", "owner:")) else "tenant"
        raise Problem("wrong-request", message, [FieldError(field=field, message=message)]) from None
