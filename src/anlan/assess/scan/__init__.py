"""Spatial, temporal and space-time scan statistics.

`scan` takes `ScanData` and `ScanParams` and gives a `ScanResult` with clusters.
"""

from anlan.assess.scan.inputs import ScanData, Values
from anlan.assess.scan.params import ScanParams
from anlan.assess.scan.periods import Periods, one_period, periods
from anlan.assess.scan.result import Cluster, ScanReason, ScanResult, ScanState
from anlan.assess.scan.scanning import scan
from anlan.assess.scan.zones import Graph, Points, Sets

__all__ = [
    "Cluster",
    "Graph",
    "Periods",
    "Points",
    "ScanData",
    "ScanParams",
    "ScanReason",
    "ScanResult",
    "ScanState",
    "Sets",
    "Values",
    "one_period",
    "periods",
    "scan",
]
