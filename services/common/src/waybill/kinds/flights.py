"""`flights`: departures from New York in 2013, as a page that a manager would print."""
