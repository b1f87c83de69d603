import os
import socket
from pathlib import Path

from switchboard.system.ports import FIRST, LAST, Ports, holder, is_taken


def test_ports_are_free_distinct_and_outside_those_of_outgoing_connections(tmp_path: Path) -> None:
    ports = Ports(tmp_path)
    taken = [ports.take() for _ in range(50)]
    assert len(set(taken)) == 50
    assert all(FIRST <= port <= LAST for port in taken)
    ports.release()


def test_two_systems_are_never_given_the_same_port(tmp_path: Path) -> None:
    first, second = Ports(tmp_path), Ports(tmp_path)
    assert not {first.take() for _ in range(100)} & {second.take() for _ in range(100)}
    first.release()
    second.release()
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_listened_on_is_taken_and_its_holder_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_taken(port)
        assert str(os.getpid()) in (holder(port) or "")
    assert not is_taken(port)
