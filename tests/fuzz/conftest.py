"""Where the targets work."""

from collections.abc import Iterator

import pytest

from local.errors import LocalError
from tests.fuzz.database import database
from tests.fuzz.target import Place


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        with database(folder / "run") as url:
            yield Place(folder, url)
    except LocalError as error:
        pytest.fail(f"PostgreSQL did not start: {error}", pytrace=False)
