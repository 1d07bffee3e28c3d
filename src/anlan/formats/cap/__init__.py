"""The Common Alerting Protocol (OASIS CAP 1.0, 1.1, 1.2): messages, indexes and feeds, in and out."""

from __future__ import annotations

from anlan.formats.cap.examine import Examination, examine
from anlan.formats.cap.fault import CapFault, NotCap
from anlan.formats.cap.feed import FeedEntry, feed_entry, write_feed
from anlan.formats.cap.index import IndexEntry, read_index
from anlan.formats.cap.message import CapAlert, CapArea, CapInfo, CapPair, CapReference, CapResource
from anlan.formats.cap.reader import read
from anlan.formats.cap.writer import serialise, write

__all__ = [
    "CapAlert",
    "CapArea",
    "CapFault",
    "CapInfo",
    "CapPair",
    "CapReference",
    "CapResource",
    "Examination",
    "FeedEntry",
    "IndexEntry",
    "NotCap",
    "check",
    "examine",
    "feed_entry",
    "read",
    "read_index",
    "write",
    "write_feed",
]


def check(message: bytes | CapAlert) -> list[CapFault]:
    """Everything wrong with a message, as received or as it would be written; empty when nothing is.
    Never raises for a bad document; InvalidValue for values that cannot be written at all."""
    return list(examine(message if isinstance(message, bytes) else serialise(message)).findings)
