"""The installed kinds of report."""

from apiflask import APIBlueprint

from producer_api.access import Permission, requires
from producer_api.description import problem_responses
from producer_api.resources import KindList, UnavailableKindResource, kind_resource
from waybill.kinds import Registry


def blueprint(kinds: Registry) -> APIBlueprint:
    routes = APIBlueprint("kinds", __name__, tag="Kinds")

    @routes.get("/api/v1/kinds")
    @routes.output(KindList)
    @routes.doc(responses=problem_responses())
    @requires(Permission.READ_KINDS)
    def list_kinds() -> KindList:
        """The kinds, each with the JSON Schema of its parameters; and those that cannot be used."""
        return KindList(
            kinds=[kind_resource(kind) for kind in kinds],
            unavailable=[
                UnavailableKindResource(name=broken.name, reason=broken.reason) for broken in kinds.broken
            ],
        )

    return routes
