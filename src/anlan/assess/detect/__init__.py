"""Statistical detectors: panels of counts in, panels of expectation, bound and alarm out.

Every detector takes (`Panel`, `test`, parameters) and gives a `Detection`; `registry` finds them by
name. `hysteresis` turns a yes / no / unknown condition into a state that does not flutter.
"""
