"""Sirens and message signs behind an MQTT gateway: a command goes out, the device itself answers."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from anlan.channels.publisher import NotTaken, Publisher
from anlan.channels.siren.command import command
from anlan.model.errors import InvalidValue
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ANSWER_AT_MOST = 4096


class Siren:
    """The recipient's address is the device's name (or a group's). The command goes to
    `PREFIX/DEVICE/command`; the device answers on `PREFIX/DEVICE/ack` with
    `{"id": <delivery>, "state": "done" | "refused" | "later", "detail": "..."}`, or with the correlation
    data of the command in place of the id."""

    id = "siren"
    at_once = 16
    # a device does not obey what it has obeyed
    repeats = None

    def __init__(self, options: Mapping[str, Any]) -> None:
        if any(sign in options["prefix"] for sign in "+#\0") or not options["prefix"]:
            raise InvalidValue(
                "not the beginning of a topic", where="channel siren option prefix", found=options["prefix"]
            )
        if not 0 <= options["sound_from"] <= 4:
            raise InvalidValue(
                "no such level",
                where="channel siren option sound_from",
                found=str(options["sound_from"]),
                expected="1 (red) to 4 (blue), 0 for never",
            )
        self.public: bool = options["public"]
        self.options = options
        self.prefix: str = options["prefix"]
        self.timeout = float(options["timeout_s"])
        self._news = threading.Condition()
        self._answers: dict[tuple[str, str], tuple[str, str] | None] = {}
        self.publisher = Publisher(options, (f"{self.prefix}/+/ack",), self._heard)

    def misaddressed(self, address: str) -> str:
        """A name that can stand in a topic."""
        return "" if _DEVICE.fullmatch(address) else f"{address!r} is no device's name"

    def deliver(self, parcel: Parcel) -> Receipt:
        """Delivered once the device has answered done. No answer, or later: transient; refused: for good."""
        device = parcel.recipient.address
        if fault := self.misaddressed(device):
            return Receipt(False, f"bad_address: {fault}")
        try:
            payload = command(
                parcel, sound_from=self.options["sound_from"], duration_s=self.options["duration_s"]
            )
        except ValueError as error:
            return Receipt(False, f"too_long: {error}")
        end = time.monotonic() + self.timeout
        waited = (device, parcel.delivery.id)
        with self._news:
            self._answers[waited] = None
        try:
            self.publisher.publish(
                f"{self.prefix}/{device}/command",
                payload,
                seconds=self.timeout,
                properties={"anlan-repeat": "yes" if parcel.repeat else "no"},
                reply=(f"{self.prefix}/{device}/ack", parcel.delivery.id.encode()),
            )
            with self._news:
                self._news.wait_for(
                    lambda: self._answers[waited] is not None, max(0.0, end - time.monotonic())
                )
                answer = self._answers[waited]
        except NotTaken as error:
            return Receipt(False, str(error), transient=error.transient, doubtful=error.doubtful)
        finally:
            with self._news:
                self._answers.pop(waited, None)
        if answer is None:
            return Receipt(False, f"no_answer: {device} has not answered", transient=True, doubtful=True)
        state, detail = answer
        if state == "done":
            return Receipt(True, f"{device} has answered: {detail or 'done'}", delivered=True)
        if state == "later":
            return Receipt(False, f"device_busy: {device}: {detail or 'later'}", transient=True)
        return Receipt(False, f"device_refused: {device}: {detail or state}")

    def _heard(self, topic: str, payload: bytes, correlation: bytes) -> None:
        """An answer, in the connection's thread. One that nobody waits for is let go: a late one is asked
        for again by the next attempt."""
        device = topic.removeprefix(f"{self.prefix}/").removesuffix("/ack")
        state, detail, id = "", "", correlation.decode("utf-8", "replace")
        if len(payload) <= _ANSWER_AT_MOST:
            try:
                said = json.loads(payload)
            except (ValueError, RecursionError):
                said = None
            if isinstance(said, dict):
                id = str(said.get("id", id))
                state, detail = (
                    str(said.get("state", "")),
                    " ".join(str(said.get("detail", "")).split())[:200],
                )
        with self._news:
            if (device, id) in self._answers and state:
                self._answers[(device, id)] = (state, detail)
                self._news.notify_all()

    def close(self) -> None:
        """Leave the broker."""
        self.publisher.close()


def make(options: Mapping[str, Any], _clock: Clock) -> Siren:
    """The channel from its settled options (see manifest.toml)."""
    return Siren(options)
