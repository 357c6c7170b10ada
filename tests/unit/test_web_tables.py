"""Tables of the pages, as their templates have them."""

import re
from importlib.resources import files

import pytest

TEMPLATES = {
    file.name: file.read_text()
    for file in (files("producer_api.web") / "templates").iterdir()
    if "<table" in file.read_text()
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_table_has_rows_that_fit_a_phone(name: str) -> None:
    """`stack`: its rows become cards; `data`: rows of a file, which scroll; `parameters`: two columns."""
    for classes in re.findall(r"<table(?: class=\"([^\"]*)\")?", TEMPLATES[name]):
        assert {"stack", "data", "parameters"} & set(classes.split()), f"{name}: {classes or 'no class'}"
