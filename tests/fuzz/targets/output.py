"""What jobs print, with the marks of their slots between it."""

from report_worker.output.entries import Entry
from report_worker.output.parsing import JobParser
from report_worker.slots.marks import LogMark, StepMark, beginning, encoded
from tests.fuzz.choices import Choices
from tests.fuzz.mutation import mutated_bytes, odd_text

_TOKEN = "5ca1ab1e"


def read_output(choices: Choices) -> bool:
    """However it comes, every line of it can be stored, once; marks of another token are text."""
    printed = b"".join(_part(choices) for _ in range(1 + choices.some(6)))
    whole, pieces = _texts([printed]), _texts(_cut(choices, printed))
    assert whole == pieces, "it matters how the bytes come"
    for _, text in whole:
        assert "\0" not in text
        text.encode()
        assert len(text) <= 8192
    return any(step == "mine" for step, _ in whole)


def _part(choices: Choices) -> bytes:
    mark = encoded(_TOKEN, StepMark("mine", 1))
    logged = encoded(_TOKEN, LogMark(1.0, "info", "a.logger", "logged"))
    text = odd_text(choices).encode(errors="surrogatepass")
    forged = encoded("deadbeef", StepMark("of another", 2))
    part: bytes = choices.one((mark, logged, text + b"\n", text, forged, beginning(_TOKEN), b"\n"))
    return mutated_bytes(choices, part, 1) if choices.rarely(4) else part


def _cut(choices: Choices, data: bytes) -> list[bytes]:
    pieces = []
    while data:
        size = 1 + choices.some(40)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def _texts(pieces: list[bytes]) -> list[tuple[str | None, str]]:
    entries: list[Entry] = []
    parser = JobParser(_TOKEN, entries.append)
    for piece in pieces:
        parser.feed("stdout", piece, 1.0)
        parser.fed()
    parser.end(1.0)
    found = [(entry.step, str(record["text"])) for entry in entries for record in entry.records()]
    assert not any(step == "of another" for step, _ in found), "a mark of another token counts"
    return found
