"""How an answer leaves: its head together with its body, where all of it is there."""

from collections.abc import Iterable
from unittest.mock import Mock

import pytest
from gunicorn.config import Config

from producer_api.serving.answer import Answer

Headers = list[tuple[str, str]]


def written(
    body: Iterable[bytes], headers: Headers, method: str = "GET", status: str = "200 OK"
) -> list[bytes]:
    """What the client's socket gets, call by call."""
    client, request = Mock(), Mock(method=method, version=(1, 1))
    request.should_close.return_value = False
    answer = Answer(request, client, Config())
    answer.start_response(status, headers)
    answer.send(body)
    return [call.args[0] for call in client.sendall.call_args_list]


def test_a_short_answer_leaves_in_one_piece() -> None:
    (piece,) = written([b"abc"], [("Content-Length", "3")])

    assert piece.startswith(b"HTTP/1.1 200 OK\r\n")
    assert piece.endswith(b"\r\n\r\nabc")


def test_a_body_in_parts_follows_its_first_part() -> None:
    first, second = written([b"ab", b"c"], [("Content-Length", "3")])

    assert first.endswith(b"\r\n\r\nab")
    assert second == b"c"


def test_a_stream_begins_before_its_first_event() -> None:
    head, *chunks = written([b"event"], [])

    assert head.endswith(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert chunks == [b"5\r\nevent\r\n", b"0\r\n\r\n"]


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("HEAD", "200 OK", [("Content-Length", "3")]),
        ("GET", "204 NO CONTENT", []),
        ("GET", "200 OK", [("Content-Length", "0")]),
        ("GET", "200 OK", [("Content-Length", "3")]),
    ],
)
def test_an_answer_without_a_body_has_its_head(method: str, status: str, headers: Headers) -> None:
    (head,) = written([], headers, method, status)

    assert head.startswith(f"HTTP/1.1 {status}\r\n".encode())
    assert head.endswith(b"\r\n\r\n")


def test_a_body_is_closed_whatever_happens() -> None:
    body, client = Mock(), Mock()
    body.__iter__ = Mock(return_value=iter([b"abc"]))
    client.sendall.side_effect = ConnectionResetError
    answer = Answer(Mock(method="GET", version=(1, 1)), client, Config())
    answer.start_response("200 OK", [("Content-Length", "3")])

    with pytest.raises(ConnectionResetError):
        answer.send(body)

    body.close.assert_called_once_with()
