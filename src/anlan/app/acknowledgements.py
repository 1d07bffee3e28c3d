"""Receipts and answers that come by MQTT: from pagers, sirens' loggers, partners behind a broker.

They are kept in a session of the broker, so that what is said while this service is away is not lost, and are
acknowledged (PUBACK) once the journal has them: at least once, and the same said twice changes nothing. What
cannot be used is told in the log and acknowledged, or it would come for ever.
"""

from __future__ import annotations

import logging
import ssl
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from anlan.app.config import AcknowledgementsConfig
from anlan.app.desk import RunningDesk
from anlan.channels.manifest import fetch_secret
from anlan.formats.values import from_json
from anlan.model.errors import AnlanError, StoreUnavailable, Unreadable
from anlan.sources.poll import backoff

_LOG = logging.getLogger("anlan.acknowledgements")
#: bytes of one message, characters of what is said with an answer
LIMIT, SAID = 16 * 1024, 500
LONGEST = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """The payload: the token that the message carried (for `answered` the one of its link), and words."""

    token: str
    text: str = ""


class Acknowledgements:
    """One subscription to `<topic>/+/+`, whose levels are the delivery and what is said of it (delivered,
    read, answered). InvalidValue for a secret that is not there."""

    def __init__(self, desk: RunningDesk, config: AcknowledgementsConfig) -> None:
        self.desk, self.config = desk, config
        self._stopping, self._accepted = threading.Event(), threading.Event()
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=config.client_id or f"anlan-{desk.house.config.sender}-acknowledgements",
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        client.on_connect, client.on_subscribe, client.on_message = (
            self._connected,
            _subscribed,
            self._message,
        )
        client.on_disconnect = self._disconnected
        if config.user:
            where = "anlan.toml: acknowledgements.password"
            client.username_pw_set(
                config.user, fetch_secret(config.password, where) if config.password else None
            )
        if config.tls:
            client.tls_set_context(ssl.create_default_context(cafile=config.ca_file or None))
        self._thread = threading.Thread(target=self._run, name="acknowledgements", daemon=True)

    def start(self) -> None:
        """A broker that is not there yet is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more in; the broker keeps the session and what comes for it."""
        self._stopping.set()
        self._client.disconnect()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        """Not paho's own loop: that forgets a stop that comes while it connects again."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self.config.keep_session_s
        failures = 0
        while not self._stopping.is_set():
            try:
                self._client.connect(
                    self.config.host,
                    self.config.port,
                    keepalive=30,
                    clean_start=False,
                    properties=properties,
                )
            except (OSError, ValueError) as error:
                where = f"{self.config.host}:{self.config.port}"
                _LOG.warning("the broker of acknowledgements cannot be reached at %s: %s", where, error)
            while not self._stopping.is_set():
                if self._client.loop(timeout=1.0) != paho.MQTT_ERR_SUCCESS:
                    break
            failures = 1 if self._accepted.is_set() else failures + 1
            self._accepted.clear()
            wait = backoff("acknowledgements", failures, timedelta(seconds=1))
            self._stopping.wait(min(LONGEST, wait.total_seconds()))
        # of a connection that came after `stop` had ended the one before
        self._client.disconnect()

    def _connected(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            _LOG.error("the broker of acknowledgements refuses: %s", reason)
            return
        self._accepted.set()
        client.subscribe([(f"{self.config.topic}/+/+", SubscribeOptions(qos=1))])

    def _disconnected(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if not self._stopping.is_set():
            _LOG.warning("the broker of acknowledgements is gone: %s", reason)

    def _message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        failures = 0
        while True:
            try:
                self._take(message.topic, bytes(message.payload))
                break
            except StoreUnavailable as error:
                failures += 1
                _LOG.warning("an acknowledgement waits with the broker: %s", error.sentence())
                wait = backoff("acknowledgements", failures, timedelta(seconds=1))
                if self._stopping.wait(min(LONGEST, wait.total_seconds())):
                    return
            except AnlanError as error:
                _LOG.warning("an acknowledgement is not used: %s", error.sentence())
                break
            except Exception:
                _LOG.exception("an acknowledgement is not used")
                break
        client.ack(message.mid, message.qos)

    def _take(self, topic: str, payload: bytes) -> None:
        """As `POST /v1/deliveries/{delivery}/{what}`. Unreadable, NotAllowed, NotFound, WrongState,
        InvalidValue for what cannot be used."""
        delivery, what = topic.split("/")[-2:]
        where = f"mqtt:{topic}"
        if len(payload) > LIMIT:
            raise Unreadable(
                "larger than an acknowledgement may be",
                where=where,
                found=f"{len(payload)} bytes",
                expected=f"at most {LIMIT}",
            )
        said = from_json(Said, payload, where)
        self.desk.receive(delivery, what, said.token, said.text[:SAID])


def _subscribed(
    _client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
) -> None:
    for reason in reasons:
        if reason.is_failure:
            _LOG.error("the broker of acknowledgements does not take the subscription: %s", reason)
        else:
            _LOG.info("acknowledgements: subscribed")
