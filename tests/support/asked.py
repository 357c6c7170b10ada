"""What the environment asks of a harness. What it cannot ask ends the program, with what to ask instead."""

import os
import secrets
import sys
from collections.abc import Collection


def seed(variable: str) -> int:
    """Of all that is chosen at random; a random one where the variable has none."""
    asked = os.environ.get(variable)
    if not asked:
        return secrets.randbelow(10**6)
    if not asked.isdecimal():
        sys.exit(f"{variable}={asked}: a seed is a whole number, as 7.")
    return int(asked)


def one_of(variable: str, known: Collection[str], otherwise: str, *, also: Collection[str] = ()) -> str:
    """The name that the variable holds, or `otherwise`. `also`: what else the sentence lists."""
    name = os.environ.get(variable) or otherwise
    if name not in known:
        sys.exit(f"{variable}={name}: it is one of {', '.join([*known, *also])}.")
    return name


def chosen(variable: str, known: Collection[str], what: str = "") -> list[str]:
    """The names that the variable holds, with commas between, in the order of `known`; all if it holds no
    name. `what`: what they are names of."""
    wanted = {name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()}
    if unknown := wanted.difference(known):
        missing = " ".join(filter(None, (what, ", ".join(sorted(unknown)))))
        sys.exit(f"{variable}: there is no {missing}: {', '.join(known)}.")
    return [name for name in known if not wanted or name in wanted]
