"""From the bytes that a job has printed to lines, steps and what was logged."""

from hypothesis import given
from hypothesis import strategies as st

from report_worker.output.entries import Entry
from report_worker.output.parsing import JobParser
from report_worker.slots.capture import MAX_CHARACTERS
from report_worker.slots.marks import LogMark, StepMark, beginning, encoded

TOKEN = "5ca1ab1e"


def step(name: str | None, number: int = 1) -> bytes:
    return encoded(TOKEN, StepMark(name, number))


def logged(text: str, at: float = 1.0) -> bytes:
    return encoded(TOKEN, LogMark(at, "warning", "a.logger", text))


def parsed(*chunks: bytes, stream: str = "stdout") -> list[Entry]:
    """With the time 10, 11, … of each."""
    entries: list[Entry] = []
    parser = JobParser(TOKEN, entries.append)
    for at, chunk in enumerate(chunks, 10):
        parser.feed(stream, chunk, at)
        parser.fed()
    parser.end(10 + len(chunks))
    return entries


def lines(entries: list[Entry]) -> list[tuple[str | None, str]]:
    """The step and the text of each."""
    return [(entry.step, record["text"]) for entry in entries for record in entry.records()]


def test_a_line_is_of_the_step_in_which_it_was_printed() -> None:
    entries = parsed(b"before\n" + step("one") + b"first\nsecond\n" + step(None) + b"after\n")

    assert lines(entries) == [(None, "before"), ("one", "first"), ("one", "second"), (None, "after")]


def test_a_line_without_an_end_ends_with_its_step_and_with_its_job() -> None:
    assert lines(parsed(step("one") + b"half", b" a line" + step(None) + b"rest")) == [
        ("one", "half a line"),
        (None, "rest"),
    ]


def test_what_is_logged_stands_where_it_was_logged_and_breaks_no_line() -> None:
    entries = parsed(b"first\nload" + logged("Loading.") + b"ing\n")

    assert [(entry.stream, entry.level, entry.logger) for entry in entries] == [
        ("stdout", None, None),
        ("log", "warning", "a.logger"),
        ("stdout", None, None),
    ]
    assert [text for _, text in lines(entries)] == ["first", "Loading.", "loading"]


def test_both_streams_are_in_the_order_of_the_steps() -> None:
    entries: list[Entry] = []
    parser = JobParser(TOKEN, entries.append)
    parser.feed("stdout", step("one", 1) + b"a\n" + step("two", 2) + b"c\n", 1.0)
    parser.feed("stderr", step("one", 1) + b"b\n" + step("two", 2) + b"d\n", 1.0)
    parser.fed()

    assert lines(entries) == [("one", "a"), ("one", "b"), ("two", "c"), ("two", "d")]


def test_no_time_goes_back_or_is_of_the_future() -> None:
    entries = parsed(b"a\n", logged("old", 1.0) + b"b\n", logged("from tomorrow", 1e9))

    times = [entry.at for entry in entries]
    assert times == sorted(times)
    assert max(times) <= 12


def test_a_mark_without_the_token_is_text() -> None:
    forged = encoded("deadbeef", StepMark("of another", 2))

    assert {step for step, _ in lines(parsed(step("mine") + forged + b"x\n"))} == {"mine"}


def test_what_only_begins_as_a_mark_is_text() -> None:
    begun = beginning(TOKEN)

    for data in (begun, begun + b"{", begun + b'{"type": "step"}\n', begun * 3 + b"\n", begun + b"\xff\n"):
        assert b"".join(entry.data for entry in parsed(data)).strip(b"\n") == data.strip(b"\n")


def test_a_line_without_an_end_takes_no_memory() -> None:
    entries = parsed(*[b"x" * 65536] * 100, b"\nnext\n")

    assert sum(len(entry.data) for entry in entries) < 100_000
    assert [(len(text), text[-1]) for _, text in lines(entries)] == [(MAX_CHARACTERS, "…"), (4, "t")]


@given(st.lists(st.sampled_from([b"a", b"\n", b"\x1e", beginning(TOKEN)]), max_size=20), st.data())
def test_it_does_not_matter_how_the_bytes_come(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join([*parts, step("next"), *parts, logged("x"), *parts])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=10)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert lines(parsed(*pieces)) == lines(parsed(whole))


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_whatever_is_printed_can_be_stored(chunks: list[bytes]) -> None:
    for _, text in lines(parsed(*chunks)):
        assert "\0" not in text
        text.encode()
