"""The subscription: QoS 1 in a persistent session, acknowledged only when the message is kept.

A message is acknowledged (PUBACK) after `take` has returned. A process killed before that gets it again
from the broker when it comes back, and the lake knows a repetition by its content.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from anlan.model.errors import Hostile, StoreUnavailable
from anlan.model.pack import Pack
from anlan.ports.clock import Clock
from anlan.ports.source import Batch
from anlan.sources.manifest import duration
from anlan.sources.mqtt.source import MqttSource
from anlan.sources.poll import SourceUnreachable, backoff

LIMIT = 16_000_000
_LOG = logging.getLogger("anlan.sources.mqtt")


class MqttSubscription:
    """`take` keeps a batch durably; it runs in the subscription's thread, one message at a time. When
    it raises StoreUnavailable the message is tried again, and stays with the broker meanwhile."""

    def __init__(
        self, source: MqttSource, pack: Callable[[], Pack], clock: Clock, take: Callable[[Batch], None]
    ) -> None:
        self._source, self._pack, self._clock, self._take = source, pack, clock, take
        self._options = options = source.definition.options
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._refused = ""
        self._limit = int(options.get("limit_mb", LIMIT / 1_000_000) * 1_000_000)
        where = f"source {source.definition.id}.options.keep_session"
        keep = duration(options.get("keep_session", "P1D"), where)
        self._session = int(keep / timedelta(seconds=1))
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=str(options.get("client_id") or f"anlan-{source.definition.id}"),
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._message
        self._client.reconnect_delay_set(1, 60)
        if "username" in options:
            secret = os.environ.get(str(options.get("password_env", "")), "")
            self._client.username_pw_set(str(options["username"]), secret or None)
        if options.get("tls"):
            self._client.tls_set_context(ssl.create_default_context())

    def start(self, wait_s: float = 10.0) -> None:
        """Connect and subscribe. SourceUnreachable when the broker does not take the subscription within
        `wait_s`; later losses of the connection are mended without end."""
        host, port = str(self._options["host"]), int(self._options.get("port", 1883))
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session
        try:
            self._client.connect(
                host,
                port,
                keepalive=30,
                clean_start=False,
                properties=properties,
            )
        except (OSError, ValueError) as error:
            raise SourceUnreachable(
                "the broker cannot be reached", where=f"{host}:{port}", found=str(error), expected="MQTT 5"
            ) from error
        self._client.loop_start()
        if not self._ready.wait(wait_s) or self._refused:
            self.stop()
            raise SourceUnreachable(
                "the broker does not take the subscription",
                where=f"{host}:{port}",
                found=self._refused or f"no answer in {wait_s:g} s",
                expected="a granted subscription",
            )

    def stop(self) -> None:
        """Leave; the broker keeps the session and what arrives for it."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            self._ready.set()
            return
        group = self._options.get("share")
        filters = [
            f"$share/{group}/{filter}" if group else str(filter) for filter in self._options["subscribe"]
        ]
        client.subscribe([(filter, SubscribeOptions(qos=1)) for filter in filters])

    def _subscribed(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._refused = ", ".join(refused)
        self._ready.set()

    def _message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        known = self._clock.now()
        ref = f"mqtt:{message.topic}"
        payload = bytes(message.payload)
        if len(payload) > self._limit:
            error = Hostile(
                "larger than a message may be",
                where=ref,
                found=f"{len(payload)} bytes",
                expected=f"at most {self._limit}",
            )
            batch = self._source.oversize(payload, ref, known, error)
        else:
            batch = self._source.parse(payload, ref, known, self._pack())
        if self._keep(batch):
            client.ack(message.mid, message.qos)

    def _keep(self, batch: Batch) -> bool:
        """True when kept; False when we are told to stop first: then the broker keeps the message."""
        failures = 0
        while True:
            try:
                self._take(batch)
            except StoreUnavailable as error:
                failures += 1
                _LOG.warning("a message waits with the broker: %s", error)
                wait = backoff(batch.source, failures, timedelta(seconds=1))
                if self._stopping.wait(min(60.0, wait.total_seconds())):
                    return False
            else:
                return True
