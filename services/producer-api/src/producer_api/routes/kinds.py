"""Which kinds of report there are."""

from apiflask import APIBlueprint

from producer_api.resources import KindList, kind_resource
from producer_api.services import Services


def blueprint(services: Services) -> APIBlueprint:
    routes = APIBlueprint("kinds", __name__, tag="Kinds")

    @routes.get("/api/v1/kinds")
    @routes.output(KindList)
    def list_kinds() -> KindList:
        """The kinds, each with the JSON Schema of its parameters."""
        return KindList(kinds=[kind_resource(kind) for kind in services.kinds])

    return routes
