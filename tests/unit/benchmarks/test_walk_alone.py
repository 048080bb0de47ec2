"""What is read of pgbench's report."""

from benchmarks.engine.walk_alone import read_figures

REPORT = """pgbench (18.4)
transaction type: walk.sql
latency average = 5.882 ms
initial connection time = 4.1 ms
tps = 1360.087816 (without initial connection time)
"""


def test_the_figures_are_those_of_the_report() -> None:
    assert read_figures(REPORT) == {"per_second": 1360.09, "mean_ms": 5.88}
