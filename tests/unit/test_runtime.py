"""What a process says of its parts to those who ask."""

import pytest

from waybill.runtime import Runtime
from waybill.settings import ServiceSettings, load
from waybill.store import StoreUnavailable
from waybill.store.rights import API


def test_a_database_that_is_away_is_not_named_to_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone may call `/readyz`."""
    for name, value in {
        "WAYBILL_DATABASE_URL": "postgresql://secretuser:secret@127.0.0.1:1/secretdatabase",
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "WAYBILL_ARTEFACT_URL": "memory:///",
    }.items():
        monkeypatch.setenv(name, value)
    runtime = Runtime("tests", load(ServiceSettings), API, pool_size=1)

    with pytest.raises(StoreUnavailable) as caught:
        runtime.check_database()
    runtime.close()

    assert str(caught.value) == "The database cannot be reached; the log of this process has the reason."
