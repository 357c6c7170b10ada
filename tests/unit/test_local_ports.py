"""Ports of the local stack: the usual ones where free, and never the same for two stacks."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.ports import FREE_RANGE, Ports

MakePorts = Callable[[Mapping[str, int]], Ports]


@pytest.fixture
def make_ports(tmp_path: Path) -> Iterator[MakePorts]:
    """Makes the ports of one more stack; the stacks know of each other."""
    with ExitStack() as stack:

        def make(usual: Mapping[str, int]) -> Ports:
            ports = Ports(usual, tmp_path)
            stack.callback(ports.release)
            return ports

        yield make


def free_port(make_ports: MakePorts) -> int:
    ports = make_ports({})
    port = ports["any"]
    ports.release()
    return port


def test_a_usual_port_is_taken_when_it_is_free(make_ports: MakePorts) -> None:
    usual = free_port(make_ports)

    ports = make_ports({"api": usual})

    assert ports["api"] == usual
    assert ports.moved() == {}


def test_another_port_is_chosen_when_someone_listens_on_the_usual_one(make_ports: MakePorts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        usual = server.getsockname()[1]

        ports = make_ports({"api": usual})

        assert ports["api"] in FREE_RANGE
        assert ports.moved() == {"api": (usual, ports["api"])}


def test_a_port_stays_the_same_for_its_name(make_ports: MakePorts) -> None:
    ports = make_ports({})

    assert ports["kafka"] == ports["kafka"]
    assert ports["kafka"] != ports["postgres"]


def test_two_stacks_that_start_at_once_do_not_choose_the_same(make_ports: MakePorts) -> None:
    usual = free_port(make_ports)

    first, second = make_ports({"api": usual}), make_ports({"api": usual})

    assert first["api"] == usual
    assert second["api"] != usual


def test_a_released_port_can_be_chosen_again(make_ports: MakePorts) -> None:
    first = make_ports({})
    port = first["api"]
    first.release()

    assert make_ports({"api": port})["api"] == port
