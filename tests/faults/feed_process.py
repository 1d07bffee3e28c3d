"""Publishes sixty messages in a feed; killed by its test. Arguments: the folder of the feed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from anlan.channels import registry
from anlan.testing.check_channel import sample_parcel


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


def main(folder: str) -> None:
    options = {"folder": folder, "feed_id": "https://a.invalid/f"}
    channel = registry.build("cap_feed", options, FixedClock())
    print("ready", flush=True)
    for number in range(60):
        receipt = channel.deliver(sample_parcel("", number=number))
        assert receipt.accepted, receipt


if __name__ == "__main__":
    main(sys.argv[1])
