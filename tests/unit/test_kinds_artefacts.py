"""The files that a kind may return for one report."""

from pathlib import Path

import pytest

from waybill.errors import PermanentError
from waybill.kinds import MAX_ARTEFACTS, Artefact, check_together


def named(*names: str) -> list[Artefact]:
    return [Artefact(Path(f"{number}.txt"), "text/plain", name) for number, name in enumerate(names)]


def test_several_with_names_of_their_own_may_go_together() -> None:
    check_together(named("a.html", "a.pdf", "a.htm", "b.html"))
    check_together(named(*(f"{number}.txt" for number in range(MAX_ARTEFACTS))))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no artefact; it must return one at least"),
        (("a.html", "b.html", "a.html"), "two artefacts with the name 'a.html'"),
        (("a.html", "A.Html"), "two artefacts with the name 'A.Html'"),
        (("straße.txt", "STRASSE.txt"), "two artefacts with the name"),
        (("\u00e9.txt", "e\u0301.txt"), "two artefacts with the name"),
        (("\u00c9.txt", "e\u0301.txt"), "two artefacts with the name"),
        (tuple(f"{number}.txt" for number in range(MAX_ARTEFACTS + 1)), "returned 21 artefacts; 20 are the"),
    ],
)
def test_what_cannot_be_one_reports_is_refused_for_ever(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(PermanentError, match=message):
        check_together(named(*names))


@pytest.mark.parametrize("output", ["", "PDF", "1st", "a b", "a\n", "a" * 31, "ü"])
def test_an_output_has_a_name_that_a_request_could_have(output: str) -> None:
    with pytest.raises(PermanentError, match="is no name of an output"):
        Artefact(Path("a.txt"), "text/plain", "a.txt", output)


def test_it_may_say_which_output_it_is() -> None:
    assert Artefact(Path("a.txt"), "text/plain", "a.txt").output is None
    assert Artefact(Path("a.txt"), "text/plain", "a.txt", "by-month").output == "by-month"
