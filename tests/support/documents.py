"""Documents of which files are made: with small results, and a realistic one of the flights of New York."""

import json
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from report_worker.files import Document, Result
from report_worker.kinds.flights.data import unpack_data_set
from waybill.definitions import Definition


def definition(steps: list[str], **given: Any) -> Definition:
    """One with steps of these names, and what is given of the rest."""
    whole = {
        "waybill": 1,
        "name": "sales",
        "title": "Sales",
        "description": "What was sold.",
        "steps": [{"name": name, "source": "shop", "sql": "SELECT 1"} for name in steps],
        **given,
    }
    return Definition.model_validate_json(json.dumps(whole))


def result(folder: Path, name: str, table: pa.Table | Mapping[str, Any]) -> Result:
    """A step's result, as Parquet in the folder."""
    folder.mkdir(exist_ok=True)
    rows = table if isinstance(table, pa.Table) else pa.table(dict(table))
    path = folder / f"{name}.parquet"
    pq.write_table(rows, path)
    return Result(name, path, rows.num_rows)


def document(
    folder: Path,
    results: Mapping[str, pa.Table | Mapping[str, Any]],
    values: Mapping[str, Any] | None = None,
    missing: Mapping[str, str] | None = None,
    **given: Any,
) -> Document:
    """A document with these results and values of its parameters; `given` is of its definition."""
    names = [*results, *(missing or {})]
    return Document(
        definition(names, **given),
        values or {},
        {name: result(folder / "results", name, table) for name, table in results.items()},
        missing or {},
    )


_SQL = {
    "totals": """
        SELECT count(*) AS flights, avg((dep_delay < 15)::INT) AS on_time, avg(dep_delay) AS delay,
          count(*) FILTER (dep_time IS NULL) / count(*) AS cancelled, max(dep_delay) * 60.0 AS longest
        FROM flights""",
    "days": """
        SELECT date AS day, count(*) AS flights, avg(dep_delay) AS delay
        FROM flights GROUP BY ALL ORDER BY day""",
    "carriers": """
        SELECT origin, name AS carrier, count(*) AS flights, avg(dep_delay) AS delay,
          avg((dep_delay >= 60)::INT) AS late
        FROM flights JOIN airlines USING (carrier) GROUP BY ALL ORDER BY origin, flights DESC""",
    "hours": """
        SELECT hour, dayname(date)[:3] AS weekday, avg(dep_delay) AS delay
        FROM flights WHERE hour >= 5 GROUP BY ALL ORDER BY isodow(any_value(date)), hour""",
    "destinations": """
        SELECT dest, origin, count(*) AS flights FROM flights GROUP BY ALL ORDER BY dest, origin""",
    "flights": """
        SELECT make_timestamp(year, month, day, sched_dep_time // 100, sched_dep_time % 100, 0) AS scheduled,
          carrier, flight, origin, dest, tailnum, dep_delay, arr_delay, distance,
          air_time * INTERVAL 1 MINUTE AS air_time
        FROM flights ORDER BY scheduled, carrier, flight""",
}

_SECTIONS = [
    {
        "blocks": [
            {
                "figures": [
                    {"label": "Flights", "value": "totals.flights"},
                    {"label": "On time", "value": "totals.on_time", "format": "percent"},
                    {"label": "Cancelled", "value": "totals.cancelled", "format": "percent"},
                    {"label": "Mean delay", "value": "totals.delay", "decimals": 1, "unit": "min"},
                    {"label": "Longest delay", "value": "totals.longest", "format": "duration"},
                ]
            },
            {
                "text": "In **{month}**, {totals.flights} flights left New York; {totals.on_time:percent} of"
                " them were [on time](https://www.transtats.bts.gov/).\n\n- a first point\n- a second"
            },
        ]
    },
    {
        "title": "Day by day",
        "blocks": [
            {
                "chart": {
                    "type": "line",
                    "from": "days",
                    "x": "day",
                    "y": "delay",
                    "y_title": "minutes late",
                    "title": "Mean delay of each day",
                }
            },
            {
                "chart": {
                    "type": "bar",
                    "from": "days",
                    "x": "day",
                    "y": "flights",
                    "title": "Flights of each day",
                }
            },
        ],
    },
    {
        "title": "Carriers",
        "blocks": [
            {
                "table": {
                    "from": "carriers",
                    "title": "Carriers at each airport",
                    "group_by": "origin",
                    "columns": [
                        {"name": "origin", "title": "Airport"},
                        {"name": "carrier", "title": "Carrier"},
                        {"name": "flights", "title": "Flights", "total": "sum", "bar": True},
                        {
                            "name": "delay",
                            "title": "Mean delay",
                            "decimals": 1,
                            "unit": "min",
                            "total": "max",
                        },
                        {"name": "late", "title": "An hour late", "format": "percent", "total": "mean"},
                    ],
                }
            },
            {
                "chart": {
                    "type": "stacked_bar",
                    "from": "carriers",
                    "x": "carrier",
                    "y": "flights",
                    "series": "origin",
                    "title": "Flights by carrier",
                }
            },
        ],
    },
    {
        "title": "Hours",
        "blocks": [
            {
                "chart": {
                    "type": "heat_map",
                    "from": "hours",
                    "x": "hour",
                    "y": "weekday",
                    "value": "delay",
                    "decimals": 1,
                    "title": "Mean delay by hour and day of the week",
                    "unit": "min",
                }
            },
            {
                "chart": {
                    "type": "line",
                    "from": "hours",
                    "x": "hour",
                    "y": "delay",
                    "series": "weekday",
                    "title": "The same as lines",
                }
            },
        ],
    },
    {
        "title": "Delays",
        "blocks": [
            {
                "chart": {
                    "type": "histogram",
                    "from": "flights",
                    "x": "dep_delay",
                    "bins": 40,
                    "title": "Delays",
                }
            },
            {
                "chart": {
                    "type": "scatter",
                    "from": "flights",
                    "x": "distance",
                    "y": "arr_delay",
                    "series": "origin",
                    "title": "Delay by distance",
                    "x_title": "miles",
                }
            },
            {
                "chart": {
                    "type": "bar",
                    "from": "destinations",
                    "x": "dest",
                    "y": "flights",
                    "title": "Destinations",
                }
            },
        ],
    },
    {"title": "Weather", "blocks": [{"table": {"from": "weather", "title": "Weather of the days"}}]},
    {
        "title": "Flights",
        "blocks": [
            {
                "table": {
                    "from": "flights",
                    "rows": 120,
                    "columns": [
                        {"name": "scheduled", "title": "Scheduled"},
                        "carrier",
                        {"name": "flight", "format": "text"},
                        "origin",
                        "dest",
                        "tailnum",
                        {"name": "dep_delay", "title": "Delay", "total": "mean"},
                        {"name": "distance", "unit": "mi", "total": "sum"},
                        {"name": "air_time", "title": "In the air"},
                    ],
                }
            }
        ],
    },
]


def flights_document(folder: Path, month: int = 7) -> Document:
    """A month of the flights that left New York in 2013: every type of block, and a step that failed."""
    folder.mkdir(exist_ok=True)
    data = unpack_data_set(folder)
    results = {}
    with duckdb.connect(config={"threads": 1}) as database:
        flights = database.read_csv(str(data.flights), na_values="NA")
        flights.filter(f"month = {month}").project("*, make_date(year, month, day) AS date").create("flights")
        database.read_csv(str(data.airlines)).create("airlines")
        for name, sql in _SQL.items():
            rows, path = database.sql(sql), folder / f"{name}.parquet"
            rows.write_parquet(str(path))
            results[name] = Result(name, path, len(rows))
    given = definition(
        [*_SQL, "weather"],
        name="departures",
        title="Departures from New York",
        heading="Departures from New York, {month}",
        filename="departures-{month}",
        parameters={
            "month": {"type": "date_range", "title": "Period"},
            "carrier": {
                "type": "text",
                "title": "Carrier",
                "optional": True,
                "choices": [{"value": "B6", "label": "JetBlue Airways"}],
            },
        },
        sections=_SECTIONS,
    )
    days = monthrange(2013, month)[1]
    parameters = {"month": {"first": date(2013, month, 1), "last": date(2013, month, days)}, "carrier": "B6"}
    return Document(given, parameters, results, {"weather": "The service of the weather answered 503."})
