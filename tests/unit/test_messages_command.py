"""Reading a command: whatever the bytes, an answer or `UnreadableMessage`."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from waybill.domain import Carrier
from waybill.messages import BareCarrier, Command, UnreadableMessage, read_command, schema_text

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

KEYS = st.none() | st.just(b"report") | st.binary(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
ID = "019ab000-0000-7000-8000-000000000001"
FIELDS = ("schema_version", "report_id", "kind", "traceparent", "tracestate", "baggage")
LIKE_A_COMMAND = st.fixed_dictionaries(
    {}, optional={name: JSON | st.just(1) | st.uuids().map(str) for name in FIELDS}
)


def encoded(**fields: Any) -> bytes:
    return json.dumps({"schema_version": 1, "report_id": ID, "kind": "dowork"} | fields).encode()


class TestNothingButUnreadableMessage:
    """Also, its text must be one that the database takes: it is kept in a dead letter."""

    @given(KEYS, st.none() | st.binary())
    def test_for_bytes(self, key: bytes | None, value: bytes | None) -> None:
        self._read(key, value)

    @given(KEYS, JSON.map(json.dumps))
    def test_for_json(self, key: bytes | None, value: str) -> None:
        self._read(key, value.encode())

    @given(KEYS, LIKE_A_COMMAND.map(json.dumps))
    @example(None, json.dumps({"schema_version": 1, "report_id": "\0", "kind": "x"}))
    @example(None, json.dumps({"schema_version": 1, "report_id": "\ud800", "kind": "x"}))
    @example(None, json.dumps({"schema_version": "\0\ud800"}))
    @example(b"report", json.dumps({"traceparent": "\ud800"}))
    def test_for_what_resembles_a_command(self, key: bytes | None, value: str) -> None:
        self._read(key, value.encode())

    @pytest.mark.parametrize("depth", [500, 900, 960, 980, 990, 995, 1000, 5000, 100_000])
    @pytest.mark.parametrize("field", ["schema_version", "report_id", "kind", "traceparent", "more"])
    def test_for_deep_nesting(self, field: str, depth: int) -> None:
        nested = b"[" * depth + b"]" * depth
        fields = {"schema_version": b"1", "report_id": b'"x"', "kind": b'"x"'} | {field: nested}
        value = b"{" + b",".join(b'"%s":%s' % (name.encode(), one) for name, one in fields.items()) + b"}"

        self._read(None, value)

    def _read(self, key: bytes | None, value: bytes | None) -> None:
        try:
            assert isinstance(read_command(key, value), Command | BareCarrier)
        except UnreadableMessage as error:
            assert error.reason.isidentifier()
            assert "\0" not in str(error)
            assert str(error).encode()
            assert len(str(error)) < 1000


class TestCommand:
    def test_reads_the_report_and_the_carrier(self) -> None:
        report_id = uuid4()

        command = read_command(
            None, encoded(report_id=str(report_id), traceparent=TRACEPARENT, tracestate="a=1")
        )

        assert isinstance(command, Command)
        assert command.report_id == report_id
        assert command.carrier == Carrier(TRACEPARENT, "a=1")

    @pytest.mark.parametrize("name", ["schema_version", "report_id", "kind"])
    def test_the_published_schema_requires_what_reading_does(self, name: str) -> None:
        fields = json.loads(encoded())
        del fields[name]

        with pytest.raises(UnreadableMessage):
            read_command(None, json.dumps(fields).encode())
        assert name in json.loads(schema_text("command.v1.json"))["required"]

    def test_ignores_fields_that_a_later_version_may_add(self) -> None:
        assert isinstance(read_command(None, encoded(colour="red", nested={"a": [1]})), Command)

    @pytest.mark.parametrize("traceparent", [None, 7, [], {}, "", True])
    def test_a_carrier_of_a_wrong_type_costs_the_trace_and_not_the_job(self, traceparent: Any) -> None:
        command = read_command(None, encoded(traceparent=traceparent))

        assert isinstance(command, Command)
        assert command.carrier is None

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (None, "null_value"),
            (b"", "not_json"),
            (b"{", "not_json"),
            (b"\xff", "not_json"),
            (b"[]", "not_an_object"),
            (b'"report"', "not_an_object"),
            (b"null", "not_an_object"),
            (b"{}", "unknown_schema_version"),
            (encoded(schema_version=2), "unknown_schema_version"),
            (encoded(schema_version="1"), "unknown_schema_version"),
            (encoded(report_id=None), "wrong_field"),
            (encoded(report_id="seven"), "wrong_field"),
            (encoded(kind=7), "wrong_field"),
        ],
    )
    def test_says_in_one_word_what_is_wrong(self, value: bytes | None, reason: str) -> None:
        with pytest.raises(UnreadableMessage) as caught:
            read_command(None, value)

        assert caught.value.reason == reason


class TestBareCarrier:
    def test_is_what_the_articles_producer_sends(self) -> None:
        read = read_command(b"report", json.dumps({"traceparent": TRACEPARENT}).encode())

        assert read == BareCarrier(Carrier(TRACEPARENT))

    def test_may_be_empty_where_its_producer_had_no_trace(self) -> None:
        assert read_command(b"report", b"{}") == BareCarrier(None)

    @pytest.mark.parametrize("key", [None, b"", b"reports", UUID(int=7).bytes])
    def test_needs_the_articles_key(self, key: bytes | None) -> None:
        with pytest.raises(UnreadableMessage):
            read_command(key, json.dumps({"traceparent": TRACEPARENT}).encode())

    def test_with_anything_else_in_it_is_none(self) -> None:
        with pytest.raises(UnreadableMessage):
            read_command(b"report", json.dumps({"traceparent": TRACEPARENT, "steps": 3}).encode())
