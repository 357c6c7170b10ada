"""What vacuum says of the dead rows that it had to leave."""

from tests.faults.injectors.vacuum import dead_rows

_SAYS = """finished vacuuming "waybill.public.{table}": index scans: 0
pages: 0 removed, 385 remain, 385 scanned (100.00% of total), 0 eagerly scanned
tuples: 12 removed, 6670 remain, {dead} are dead but not yet removable
removable cutoff: 806, which was 63 XIDs old when operation ended"""


def test_each_table_has_its_own() -> None:
    said = [
        'vacuuming "waybill.public.publications"',
        _SAYS.format(table="publications", dead=6565),
        'vacuuming "waybill.public.reports"',
        _SAYS.format(table="reports", dead=0),
    ]
    assert dead_rows(said) == {"publications": 6565, "reports": 0}
