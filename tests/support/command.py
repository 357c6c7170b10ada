"""The command line, in the test's own process."""

import pytest
from pytest import CaptureFixture

from waybill_client.cli import main


def run_command(capsys: CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Its exit code, and what it wrote to standard output and standard error."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    written = capsys.readouterr()
    return int(ended.value.code or 0), written.out, written.err
