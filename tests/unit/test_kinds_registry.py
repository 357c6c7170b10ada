"""The installed kinds."""

import pytest

from waybill.kinds import Kind, Parameters, Registry, UnknownKind, load_registry


def kind(name: str) -> Kind:
    return Kind(name, name, "", Parameters, lambda _: (), "nowhere:produce")


def test_kinds_come_in_the_order_of_their_names() -> None:
    assert [one.name for one in Registry([kind("b"), kind("c"), kind("a")])] == ["a", "b", "c"]


def test_a_kind_is_found_by_its_name() -> None:
    wanted = kind("b")

    assert Registry([kind("a"), wanted])["b"] is wanted


def test_an_unknown_kind_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownKind, match=r"There is no kind 'c'\. The kinds are: a, b\."):
        Registry([kind("a"), kind("b")])["c"]


def test_the_installed_packages_offer_ours() -> None:
    assert {"dowork", "flights"} <= {one.name for one in load_registry()}


@pytest.mark.parametrize("installed", list(load_registry()), ids=lambda one: one.name)
def test_an_installed_kind_keeps_the_contract(installed: Kind) -> None:
    defaults = installed.parameters()

    assert callable(installed.load())
    assert installed.parameters.model_json_schema()["additionalProperties"] is False
    assert list(installed.steps(defaults))
    assert installed.max_attempts >= 1
    assert installed.title
    assert installed.description
