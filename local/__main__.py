"""The command line: `python3 -m local <command>`, from the top of the checkout."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from local import background, checks, demo, lock, setup, signals
from local.errors import LocalError
from local.paths import CHECKOUT
from local.supply import audit, sbom, workflows

_RUN = CHECKOUT / ".run"

_DESCRIPTION = """\
Runs Waybill and the real parts it needs on this machine, without containers: PostgreSQL, Kafka, Jaeger,
the OpenTelemetry Collector, producer-api and report-worker, all on loopback."""

_EPILOGUE = """\
What set-up fetches or builds is kept in ${XDG_CACHE_HOME:-~/.cache}/waybill. All of one run (data, logs,
addresses) is in its run directory. Nothing is left running after demo or down, also where they fail."""

Command = Callable[[argparse.Namespace], int]


def main() -> int:
    arguments = _parser().parse_args()
    command: Command = arguments.command
    try:
        return command(arguments)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except signals.Interruption as interruption:
        return interruption.exit_code
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m local",
        description=_DESCRIPTION,
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="<command>", required=True)

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    add("setup", _setup, "install what is missing, side by side, and stop")
    _with_run_dir(
        add("demo", _demo, "set up, start everything, request two reports and show where their time went")
    )
    _with_data(add("up", _up, "set up and start everything in the background; return when it answers"))
    _with_run_dir(add("down", _down, "stop what `up` started"))
    _with_run_dir(add("status", _status, "show what runs, where, and whether it answers"))
    check = add("check", _check, "set up, lint, type and test, as `make test`; print a table of the results")
    check.add_argument("parts", nargs="*", type=_part, metavar="|".join(checks.GROUPS))
    check.add_argument("--pytest", default="", metavar="OPTIONS", help="more options for pytest")
    kind = add("add-kind", _add_kind, "install a package of kinds into this checkout's environment")
    kind.add_argument("package", type=_package, help="folder with its pyproject.toml")
    add("lock", _lock, "resolve every dependency again and write the requirements files")
    audited = add("audit", _audit, "ask a vulnerability service about every locked package")
    audited.add_argument(
        "--osv-url", metavar="URL", help="of the query of an OSV service, which alone is asked"
    )
    add("sbom", _sbom, "write the bill of materials of each image into build/sbom")
    add("workflows", _workflows, "check the workflows and Renovate's configuration, as `make lint` does")
    # Started by `up`; not for people.
    supervise = commands.add_parser("supervise")
    supervise.set_defaults(command=_supervise)
    _with_data(supervise)
    return parser


def _with_run_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run-dir", type=Path, help="where the run's data and logs go; default: below .run")


def _with_data(parser: argparse.ArgumentParser) -> None:
    _with_run_dir(parser)
    parser.add_argument("--fresh", action="store_true", help="begin without the data of the run before")


def _setup(_arguments: argparse.Namespace) -> int:
    with signals.as_exception():
        setup.set_up(sys.stdout, _RUN / "setup")
    return 0


def _add_kind(arguments: argparse.Namespace) -> int:
    with signals.as_exception():
        setup.add_kind(arguments.package, sys.stdout, _RUN / "setup")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    return demo.demo(arguments.run_dir or _RUN / "demo", sys.stdout)


def _up(arguments: argparse.Namespace) -> int:
    with signals.as_exception():
        return background.up(arguments.run_dir or _RUN, fresh=arguments.fresh, out=sys.stdout)


def _down(arguments: argparse.Namespace) -> int:
    return background.down(arguments.run_dir or _RUN, sys.stdout)


def _status(arguments: argparse.Namespace) -> int:
    return background.status(arguments.run_dir or _RUN, sys.stdout)


def _supervise(arguments: argparse.Namespace) -> int:
    return background.supervise(arguments.run_dir or _RUN, fresh=arguments.fresh, out=sys.stdout)


def _part(name: str) -> str:
    """Not by `choices`: argparse would refuse to choose none."""
    if name not in checks.GROUPS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(checks.GROUPS)}")
    return name


def _package(text: str) -> Path:
    folder = Path(text).resolve()
    if not (folder / "pyproject.toml").is_file():
        raise argparse.ArgumentTypeError(f"{folder} has no pyproject.toml: name the folder of a package")
    return folder


def _check(arguments: argparse.Namespace) -> int:
    with signals.as_exception():
        return checks.run(arguments.parts, arguments.pytest, sys.stdout)


def _lock(_arguments: argparse.Namespace) -> int:
    with signals.as_exception():
        return lock.lock()


def _audit(arguments: argparse.Namespace) -> int:
    services = ("osv",) if arguments.osv_url else audit.SERVICES
    with signals.as_exception():
        return audit.audit(sys.stdout, services, arguments.osv_url)


def _sbom(_arguments: argparse.Namespace) -> int:
    with signals.as_exception():
        sbom.write(sys.stdout)
    return 0


def _workflows(_arguments: argparse.Namespace) -> int:
    with signals.as_exception():
        return workflows.check()


if __name__ == "__main__":
    sys.exit(main())
