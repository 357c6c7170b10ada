"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent

# Machines that test are busy: an example that takes long once is no failure. In CI the same examples each
# time; elsewhere others, which is where new failures are to be found.
settings.register_profile("waybill", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("waybill")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "integration: needs the real stack, which it starts")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by their folder, so that `-m 'not integration'` chooses those that take milliseconds."""
    for item in items:
        if item.path.is_relative_to(TESTS / "integration"):
            item.add_marker(pytest.mark.integration)
