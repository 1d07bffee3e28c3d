"""The detection engine by itself: a table of counts in, findings, charts and comparisons out.

Nothing here needs a pack, a workspace or a running service. `anlan.detect` is `detection.detect`; the
command `anlan detect` reads a CSV file with `csv_file`, and `register` runs a whole register of cases.
"""
