"""Prints the list of jars for `local/kafka/jars.txt`, from a folder in the layout of a Maven repository."""

import hashlib
import sys
from pathlib import Path

HEADER = "# Written by 'make lock': what Kafka's broker needs on its class path. Do not edit."


def main(folder: str) -> None:
    print(HEADER)
    for jar in sorted(Path(folder).rglob("*.jar")):
        *group, artifact, version, _file = jar.relative_to(folder).parts
        sha256 = hashlib.sha256(jar.read_bytes()).hexdigest()
        print(f"{'.'.join(group)}:{artifact} {version} {jar.stat().st_size} {sha256}")


if __name__ == "__main__":
    main(sys.argv[1])
