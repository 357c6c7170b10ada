"""The installed kinds of report: list, pause, resume and limit them."""

from collections.abc import Mapping

from apiflask import APIBlueprint

from producer_api.access import Permission, current_identity, requires
from producer_api.description import problem_responses
from producer_api.problems import Problem
from producer_api.resources import (
    KindLimitRequest,
    KindLimitResource,
    KindList,
    KindPauseRequest,
    KindResource,
    UnavailableKindResource,
    kind_limit_resource,
    kind_resource,
)
from waybill.domain import Actor, KindLimit
from waybill.kinds import Kind, Registry
from waybill.ledger import KindLimits, Overview, WaitingNow
from waybill.store import LiveWorkers, StoreUnavailable

BASE = "/api/v1/kinds"

_OF_ONE = problem_responses("cross-site", "no-such-kind", "body-too-large", "wrong-media-type")
_WITH_BODY = problem_responses(
    "cross-site", "malformed-body", "no-such-kind", "body-too-large", "wrong-media-type"
)


def blueprint(kinds: Registry, limits: KindLimits, overview: Overview) -> APIBlueprint:
    routes = APIBlueprint("kinds", __name__, tag="Kinds")

    @routes.get(BASE)
    @routes.output(KindList)
    @routes.doc(responses=problem_responses())
    @requires(Permission.READ_KINDS)
    def list_kinds() -> KindList:
        """The kinds, each with the JSON Schema of its parameters; and those that cannot be used. While the
        database is away, neither limits nor workers are shown."""
        try:
            now = overview.for_waiting()
            workers: LiveWorkers | None = now.workers
        except StoreUnavailable:
            now, workers = WaitingNow(), None
        return KindList(
            kinds=[_kind(kind, now.limits, workers) for kind in kinds],
            unavailable=[
                UnavailableKindResource(name=name, reason=reason)
                for name, reason in unavailable_kinds(kinds, now.limits).items()
            ],
        )

    @routes.post(f"{BASE}/<string:kind>:pause")
    @routes.input(KindPauseRequest, arg_name="wanted")
    @routes.output(KindLimitResource)
    @routes.doc(responses=_WITH_BODY)
    @requires(Permission.MANAGE_KINDS)
    def pause(kind: str, wanted: KindPauseRequest) -> KindLimitResource:
        """No report of the kind starts any more, in any tenant. Requested ones wait; what runs goes on."""
        return kind_limit_resource(
            limits.pause(actor_of_kinds(), known_kind(kinds, limits, kind), wanted.reason)
        )

    @routes.post(f"{BASE}/<string:kind>:resume")
    @routes.output(KindLimitResource)
    @routes.doc(responses=_OF_ONE)
    @requires(Permission.MANAGE_KINDS)
    def resume(kind: str) -> KindLimitResource:
        """Reports of the kind start again."""
        return kind_limit_resource(limits.resume(actor_of_kinds(), known_kind(kinds, limits, kind)))

    @routes.post(f"{BASE}/<string:kind>:limit")
    @routes.input(KindLimitRequest, arg_name="wanted")
    @routes.output(KindLimitResource)
    @routes.doc(responses=_WITH_BODY)
    @requires(Permission.MANAGE_KINDS)
    def limit(kind: str, wanted: KindLimitRequest) -> KindLimitResource:
        """How many reports of the kind run at once, in all tenants. What runs goes on."""
        return kind_limit_resource(
            limits.limit(actor_of_kinds(), known_kind(kinds, limits, kind), wanted.max_running)
        )

    return routes


def _kind(kind: Kind, limits: Mapping[str, KindLimit], workers: LiveWorkers | None) -> KindResource:
    offered_by = workers.offering(kind.name, is_defined=kind.is_defined) if workers else None
    return kind_resource(kind, limits.get(kind.name, KindLimit(kind.name)), offered_by)


def unavailable_kinds(kinds: Registry, limited: Mapping[str, KindLimit]) -> dict[str, str]:
    """Why each of them cannot be used here: it is broken, or is not installed, but limited or paused."""
    found = {broken.name: broken.reason for broken in kinds.broken}
    elsewhere = limited.keys() - {kind.name for kind in kinds} - found.keys()
    for name in sorted(elsewhere):
        found[name] = f"It is not installed here, and is {_held(limited[name])}."
    return found


def _held(limit: KindLimit) -> str:
    return "paused" if limit.is_paused else f"limited to {limit.max_running} at once"


def known_kind(kinds: Registry, limits: KindLimits, kind: str) -> str:
    """Also one that cannot be used here, or is not installed: its reports may wait. Raises `Problem`."""
    if kind in {one.name for one in (*kinds, *kinds.broken)} or kind in limits.all():
        return kind
    raise Problem("no-such-kind", f"There is no kind {kind[:100]!r}; GET {BASE} lists them.")


def actor_of_kinds() -> Actor:
    """A kind that is paused shows by whom, in any case."""
    identity = current_identity()
    return identity.actor or Actor(identity.owner, "none")
