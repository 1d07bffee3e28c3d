"""Models of infectious disease counts beside the panel detectors: endemic-epidemic regression, nowcasts
from the reporting triangle, back-projection, and run lengths and designs of control charts.

Everything here is a function of arrays: nothing reads or writes a file.
"""
