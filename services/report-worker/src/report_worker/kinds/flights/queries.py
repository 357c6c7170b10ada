"""All SQL of the report, for DuckDB. Parameters are named, as in `$first_day`.

A flight is cancelled when it has no departure delay. One that leaves early has a negative delay.
"""

LOAD_FLIGHTS = """
create table flights as
select make_date(year, month, day) as date, hour, time_hour, carrier, origin, dest, dep_delay as delay
from read_csv($path, header = true, auto_detect = false, nullstr = ['', 'NA'], columns = {
    year: 'INTEGER', month: 'INTEGER', day: 'INTEGER',
    dep_time: 'INTEGER', sched_dep_time: 'INTEGER', dep_delay: 'INTEGER',
    arr_time: 'INTEGER', sched_arr_time: 'INTEGER', arr_delay: 'INTEGER',
    carrier: 'VARCHAR', flight: 'INTEGER', tailnum: 'VARCHAR', origin: 'VARCHAR', dest: 'VARCHAR',
    air_time: 'INTEGER', distance: 'INTEGER', hour: 'INTEGER', minute: 'INTEGER', time_hour: 'TIMESTAMP'
})
where make_date(year, month, day) between $first_day and $last_day
    and ($airport is null or origin = $airport)
"""
"""Every carrier's flights of the period and airport: what the chosen carrier is compared with."""

LOAD_SELECTED = """
create table selected as
from flights where $carrier is null or carrier = $carrier
"""
"""The flights that the report is about."""

LOAD_WEATHER = """
create table weather as
select origin, time_hour, visib as visibility, precip as precipitation, wind_speed as wind
from read_csv($path, header = true, auto_detect = false, nullstr = ['', 'NA'], columns = {
    origin: 'VARCHAR', year: 'INTEGER', month: 'INTEGER', day: 'INTEGER', hour: 'INTEGER',
    temp: 'DOUBLE', dewp: 'DOUBLE', humid: 'DOUBLE', wind_dir: 'DOUBLE', wind_speed: 'DOUBLE',
    wind_gust: 'DOUBLE', precip: 'DOUBLE', pressure: 'DOUBLE', visib: 'DOUBLE', time_hour: 'TIMESTAMP'
})
"""
"""The hourly weather at each airport: miles, inches in the hour, miles an hour."""

LOAD_AIRLINES = """
create table airlines as select carrier, name from read_csv($path, header = true, all_varchar = true)
"""
"""The carriers' names."""

LOAD_AIRPORTS = """
create table airports as select faa as airport, name from read_csv($path, header = true, all_varchar = true)
"""
"""The airports' names; four destinations have none."""

DEFINE_PUNCTUALITY = """
create macro punctuality(delay) as {
    flights: count(*),
    on_time: count(*) filter (delay < 15),
    late: count(*) filter (delay >= 15 and delay < 60),
    very_late: count(*) filter (delay >= 60),
    cancelled: count(*) filter (delay is null),
    mean: avg(delay),
    lower_quartile: quantile_cont(delay, 0.25),
    median: quantile_cont(delay, 0.5),
    upper_quartile: quantile_cont(delay, 0.75),
    longest: max(delay)
}
"""
"""The figures that every table shows; its fields are those of `figures.Punctuality`."""

CARRIERS = "select carrier, name from airlines order by carrier"
"""Every carrier of the data set, for the error that one is unknown."""

CARRIER_NAME = "select name from airlines where carrier = $code"
"""What the chosen carrier is called, if there is one."""

AIRPORT_NAME = "select name from airports where airport = $code"
"""What the chosen airport is called."""

TOTAL = "select punctuality(delay) from selected"
"""The key figures."""

BY_AIRPORT = """
select origin, coalesce(name, origin), punctuality(delay)
from selected left join airports on airport = origin
group by all order by origin
"""
"""The airports of departure beside each other."""

BY_DAY = """
select date, strftime(date, '%A %-d %B'), punctuality(delay) from selected group by date order by date
"""
"""How the days went, for the chart and to find the worst."""

BY_CARRIER = """
select carrier, coalesce(name, carrier), punctuality(delay)
from flights left join airlines using (carrier)
group by all order by count(*) filter (delay < 15) / count(*) desc, carrier
"""
"""All carriers of the period and airport, the most punctual first, also when the report is about one."""

BY_HOUR = """
select hour, printf('%02d:00', hour), punctuality(delay) from selected group by hour order by hour
"""
"""How delays grow over the day, by the hour of the scheduled departure."""

WORST_ROUTES = """
select origin || ' to ' || dest, coalesce(name, dest), punctuality(delay)
from selected left join airports on airport = dest
group by origin, dest, name
having count(*) >= $fewest
order by (count(*) filter (delay is null or delay >= 60)) / count(*) desc, avg(delay) desc, origin, dest
limit 10
"""
"""The routes with the largest share of flights cancelled or an hour late; rarely flown ones are left out."""

BY_WEATHER = """
with
    bands (factor, place, band, at_least, below) as (values
        ('Visibility', 1, 'under 1 mile', 0, 1),
        ('Visibility', 2, '1 to 3 miles', 1, 3),
        ('Visibility', 3, '3 to 10 miles', 3, 10),
        ('Visibility', 4, '10 miles', 10, 1000),
        ('Precipitation', 1, '0.1 in or more', 0.1, 1000),
        ('Precipitation', 2, 'under 0.1 in', 0.001, 0.1),
        ('Precipitation', 3, 'none', 0, 0.001),
        ('Wind', 1, '30 mph or more', 30, 1000),
        ('Wind', 2, '20 to 30 mph', 20, 30),
        ('Wind', 3, '10 to 20 mph', 10, 20),
        ('Wind', 4, 'under 10 mph', 0, 10)
    ),
    readings as (
        select delay, unnest(['Visibility', 'Precipitation', 'Wind']) as factor,
            unnest([visibility, precipitation, wind]) as reading
        from selected join weather using (origin, time_hour)
    )
select factor, band, punctuality(delay)
from readings join bands using (factor)
where reading >= at_least and reading < below
group by factor, place, band
order by array_position(['Visibility', 'Precipitation', 'Wind'], factor), place
"""
"""The weather at the airport in the hour of the scheduled departure, the worst first, against delay."""

WITHOUT_WEATHER = "select count(*) from selected anti join weather using (origin, time_hour)"
"""How many flights have no weather reading; most of them left on the last two days of the year."""
