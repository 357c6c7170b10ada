"""API keys: make, list, rotate and revoke them."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from apiflask import APIBlueprint

from producer_api.access import Permission, current_identity, requires
from producer_api.description import problem_responses
from producer_api.problems import FieldError, Problem
from producer_api.resources import (
    KeyList,
    KeyRequest,
    KeyResource,
    NewKeyResource,
    key_resource,
    new_key_resource,
)
from waybill.domain import Actor, Owner
from waybill.ledger import ApiKeys

BASE = "/api/v1/keys"

_OF_ONE = problem_responses("cross-site", "no-such-key", "body-too-large", "wrong-media-type")

Found = TypeVar("Found")


def blueprint(keys: ApiKeys) -> APIBlueprint:
    routes = APIBlueprint("api_keys", __name__, tag="Keys")

    @routes.post(BASE)
    @routes.input(KeyRequest, arg_name="wanted")
    @routes.output(NewKeyResource, status_code=201)
    @routes.doc(
        responses=problem_responses("cross-site", "malformed-body", "body-too-large", "wrong-media-type")
    )
    @requires(Permission.MANAGE_KEYS)
    def create(wanted: KeyRequest) -> NewKeyResource:
        """Make a key. Its secret is in this answer alone."""
        try:
            owner = Owner.named(wanted.tenant, wanted.owner)
        except ValueError as error:
            message = str(error)
            raise Problem("wrong-request", message, [FieldError(field="owner", message=message)]) from None
        lifetime = timedelta(days=wanted.expires_in_days) if wanted.expires_in_days else None
        return new_key_resource(*keys.create(_actor(), wanted.name, owner, set(wanted.roles), lifetime))

    @routes.get(BASE)
    @routes.output(KeyList)
    @routes.doc(responses=problem_responses())
    @requires(Permission.MANAGE_KEYS)
    def list_all() -> KeyList:
        """All keys, those that were revoked too."""
        return KeyList(keys=[key_resource(key) for key in keys.page()])

    @routes.post(f"{BASE}/<string:key_id>:rotate")
    @routes.output(NewKeyResource)
    @routes.doc(responses=_OF_ONE)
    @requires(Permission.MANAGE_KEYS)
    def rotate(key_id: str) -> NewKeyResource:
        """Give a key another secret. The one of before works for a few seconds more."""
        return new_key_resource(*_found(key_id, lambda: keys.rotate(_actor(), key_id)))

    @routes.post(f"{BASE}/<string:key_id>:revoke")
    @routes.output(KeyResource)
    @routes.doc(responses=_OF_ONE)
    @requires(Permission.MANAGE_KEYS)
    def revoke(key_id: str) -> KeyResource:
        """End a key. It works for a few seconds more."""
        return key_resource(_found(key_id, lambda: keys.revoke(_actor(), key_id)))

    return routes


def _found(key_id: str, change: Callable[[], Found | None]) -> Found:
    if "\0" not in key_id and (found := change()) is not None:
        return found
    raise Problem("no-such-key", f"No key that can be used has the id {key_id[:100]!r}.")


def _actor() -> Actor:
    """Keys have makers in any case."""
    identity = current_identity()
    return identity.actor or Actor(identity.owner, "none")
