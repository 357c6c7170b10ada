"""Where the real parts are on this machine."""

from dataclasses import dataclass
from pathlib import Path

from local.errors import NotInstalledError
from local.install import jaeger, java, kafka, postgres, python


@dataclass(frozen=True)
class Installation:
    java: Path
    kafka_libraries: Path
    kafka_archive: Path
    """Preloaded classes, which the broker starts faster with. May be missing."""
    postgres: Path
    """Folder with `initdb` and `postgres`."""
    jaeger: Path | None
    """Jaeger v2, which is also the collector. None only where it was not asked for."""
    scripts: Path
    """Folder with the entry points of the services, `waybill` among them."""

    @classmethod
    def find(cls, *, needs_jaeger: bool = True) -> "Installation":
        """What set-up left; raises NotInstalledError where it has not run or something is gone."""
        java_path, jaeger_path, postgres_path = java.find(), jaeger.find(), postgres.find()
        missing = {
            "java": java_path is None,
            "kafka": not kafka.libraries().exists(),
            "jaeger": jaeger_path is None and needs_jaeger,
            "postgres": postgres_path is None,
            "python": not python.is_current(),
        }
        if java_path is None or postgres_path is None or any(missing.values()):
            raise NotInstalledError([name for name, is_missing in missing.items() if is_missing])
        return cls(
            java=java_path,
            kafka_libraries=kafka.libraries(),
            kafka_archive=kafka.class_archive(java_path),
            postgres=postgres_path,
            jaeger=jaeger_path,
            scripts=python.VENV / "bin",
        )
