"""WIS2: a notification to the WMO Information System 2.0, on an MQTT broker at QoS 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from anlan.channels.publisher import NotTaken, Publisher
from anlan.formats.cap import read
from anlan.formats.cap.wis2 import encode, notification
from anlan.formats.cap.wis2 import topic as branch
from anlan.model.errors import InvalidValue
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

ROOT = "origin/a/wis2/"


class Wis2:
    """The recipient's address is a topic under `origin/a/wis2/`; without one the channel's own."""

    id = "wis2"
    at_once = 8

    def __init__(self, options: Mapping[str, Any]) -> None:
        if "{id}" not in options["base_url"]:
            raise InvalidValue(
                "it does not say where a message stands",
                where="channel wis2 option base_url",
                found=options["base_url"],
                expected="an address with {id} in it",
            )
        self.public: bool = options["public"]
        self.options = options
        self.repeats: int = options["repeats"]
        self.topic = options["topic"] or branch(options["centre_id"])
        self.timeout = float(options["timeout_s"])
        self.publisher = Publisher(options)

    def deliver(self, parcel: Parcel) -> Receipt:
        """Accepted once the broker has acknowledged. No broker, no acknowledgement, quota: transient; not
        authorised, a topic it does not allow: for good."""
        return self.deliver_poised(parcel, lambda: None)

    def deliver_poised(self, parcel: Parcel, leave: Callable[[], None]) -> Receipt:
        """As `deliver`; it leaves once there is a broker to take it."""
        topic = parcel.recipient.address or self.topic
        fault = self.misaddressed(topic)
        if fault:
            return Receipt(False, f"bad_address: {fault}")
        address = self.options["base_url"].replace("{id}", quote(parcel.warning.id, safe=""))
        try:
            payload = self._notification(parcel, address)
        except InvalidValue as error:
            return Receipt(False, f"not_announced: {error.sentence()}")
        marks = {"anlan-delivery": parcel.delivery.id, "anlan-repeat": "yes" if parcel.repeat else "no"}
        try:
            self.publisher.publish(topic, payload, seconds=self.timeout, properties=marks, leave=leave)
        except NotTaken as error:
            return Receipt(False, str(error), transient=error.transient, doubtful=error.doubtful)
        return Receipt(True, f"acknowledged on {topic}")

    def misaddressed(self, address: str) -> str:
        """A topic, or nothing for the channel's own."""
        topic = address or self.topic
        if not topic.startswith(ROOT) or any(sign in topic for sign in "+#\0") or not topic.isprintable():
            return f"{topic!r} is no topic under {ROOT}"
        return ""

    def _notification(self, parcel: Parcel, address: str) -> bytes:
        """The notification, of nothing that changes between tries: a repeat is the same, byte for byte."""
        message = read(parcel.cap, parcel.warning.id)
        metadata_id = self.options.get("metadata_id") or ""
        made = notification(
            message,
            href=address,
            centre=self.options["centre_id"],
            pubtime=message.sent,
            metadata_id=metadata_id,
        )
        if not metadata_id:
            # an empty one would name a record that there is not
            del made["properties"]["metadata_id"]
        return encode(made)

    def close(self) -> None:
        """Leave the broker."""
        self.publisher.close()


def make(options: Mapping[str, Any], _clock: Clock) -> Wis2:
    """The channel from its settled options (see manifest.toml)."""
    return Wis2(options)
