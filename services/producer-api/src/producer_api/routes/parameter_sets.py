"""Parameters of kinds: what may be chosen, and sets of them: list, show, keep and remove them."""

from apiflask import APIBlueprint

from producer_api.access import Permission, current_identity, permitted_scope, requires
from producer_api.choices import KindChoices, choices_of
from producer_api.description import problem_responses
from producer_api.parameter_sets import (
    ParameterSetList,
    ParameterSetRequest,
    ParameterSetResource,
    check_some,
    checked_name,
    set_resource,
)
from producer_api.permissions import reach
from producer_api.problems import FieldError, Problem
from producer_api.routes.kinds import BASE
from waybill.domain import Owner, ParameterSet
from waybill.kinds import Kind, Registry, UnavailableKind, UnknownKind
from waybill.ledger import ChoiceLists, Ledger, ParameterSets, TooManyParameterSets

_SETS = f"{BASE}/<string:kind>/parameter-sets"
_CHOICES = f"{BASE}/<string:kind>/choices"
_ONE = f"{_SETS}/<string:name>"


def blueprint(kinds: Registry, sets: ParameterSets, ledger: Ledger, lists: ChoiceLists) -> APIBlueprint:
    routes = APIBlueprint("parameter_sets", __name__, tag="Kinds")

    @routes.get(_CHOICES)
    @routes.output(KindChoices)
    @routes.doc(responses=problem_responses("no-such-kind"))
    @requires(Permission.REQUEST)
    def list_choices(kind: str) -> KindChoices:
        """What may be chosen for parameters of a kind whose choices come from a query, as a worker has read
        it from the sources."""
        return choices_of(_known(kinds, kind), ledger, lists)

    @routes.get(_SETS)
    @routes.output(ParameterSetList)
    @routes.doc(responses=problem_responses("no-such-kind"))
    @requires(Permission.REQUEST)
    def list_sets(kind: str) -> ParameterSetList:
        """The client's own sets of parameters for a kind, and those that are shared in its tenant: 500 at
        most."""
        found = sets.usable(_owner(), _named(kind))
        return ParameterSetList(parameter_sets=[set_resource(one) for one in found])

    @routes.get(_ONE)
    @routes.output(ParameterSetResource)
    @routes.doc(responses=problem_responses("no-such-parameters"))
    @requires(Permission.REQUEST)
    def show_set(kind: str, name: str) -> ParameterSetResource:
        """The client's own set of this name; else one that is shared in its tenant."""
        found = sets.get(_owner(), _named(kind), checked_name(name))
        if found is None:
            raise _missing(kind, name)
        return set_resource(found)

    @routes.put(_ONE)
    @routes.input(ParameterSetRequest, arg_name="wanted")
    @routes.output(ParameterSetResource)
    @routes.doc(
        responses=problem_responses(
            "cross-site", "malformed-body", "no-such-kind", "body-too-large", "wrong-media-type"
        )
    )
    @requires(Permission.REQUEST)
    def keep_set(kind: str, name: str, wanted: ParameterSetRequest) -> ParameterSetResource:
        """Keeps a set of parameters, instead of the client's own of this name."""
        check_some(_known(kinds, kind), wanted.parameters)
        if wanted.shared:
            permitted_scope(Permission.SHARE)
        try:
            kept = sets.put(
                _owner(),
                kind,
                checked_name(name),
                wanted.parameters,
                shared=wanted.shared,
                actor=current_identity().actor,
            )
        except TooManyParameterSets as error:
            problem = FieldError(field="name", message=str(error))
            raise Problem("wrong-request", str(error), [problem]) from None
        return set_resource(kept)

    @routes.delete(_ONE)
    @routes.output(ParameterSetResource)
    @routes.doc(responses=problem_responses("cross-site", "no-such-parameters"))
    @requires(Permission.REQUEST)
    def remove_set(kind: str, name: str) -> ParameterSetResource:
        """Removes the client's own set of this name; else, for those who may share, one that is shared."""
        removed = sets.remove(
            _owner(), _named(kind), checked_name(name), _may_remove, current_identity().actor
        )
        if removed is None:
            raise _missing(kind, name)
        return set_resource(removed)

    return routes


def _owner() -> Owner:
    return current_identity().owner


def _may_remove(found: ParameterSet) -> bool:
    """Of one that is shared by another."""
    identity = current_identity()
    may = reach(identity.roles, Permission.SHARE)
    return may is not None and may.scope(identity.owner).covers(found.owner)


def _named(kind: str) -> str:
    """Also one that is no longer installed. Raises `Problem` for what no kind can be called."""
    if "\0" in kind:
        raise _no_kind(kind)
    return kind


def _known(kinds: Registry, name: str) -> Kind:
    try:
        return kinds[name]
    except (UnknownKind, UnavailableKind):
        raise _no_kind(name) from None


def _no_kind(name: str) -> Problem:
    return Problem("no-such-kind", f"There is no kind {name[:100]!r} to use here; GET {BASE} lists them.")


def _missing(kind: str, name: str) -> Problem:
    return Problem("no-such-parameters", f"You have no set {name[:100]!r} for {kind[:100]!r}.")
