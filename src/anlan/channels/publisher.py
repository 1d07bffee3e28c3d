"""Publishing by MQTT 5 at QoS 1: nothing counts as taken before the broker has acknowledged it.

What was not acknowledged is dropped here with the connection, never sent again behind the back of the
outbox: the retry is a further attempt, written down and marked as one.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from anlan.channels.deadline import Aside, Deadline

# MQTT 5, table 2-6: what a further try cannot mend
_FOR_GOOD = frozenset({0x84, 0x85, 0x86, 0x87, 0x8A, 0x90, 0x95, 0x99})


class NotTaken(Exception):
    """The broker did not take it, or did not say so. `transient`: a retry may help; `doubtful`: it was
    published, and only the acknowledgement did not come."""

    def __init__(self, code: str, said: str, *, transient: bool = True, doubtful: bool = False) -> None:
        super().__init__(f"{code}: {said}")
        self.transient = transient
        self.doubtful = doubtful


@dataclass(slots=True)
class _Connection:
    """One session with the broker, from CONNECT to its loss."""

    client: paho.Client
    answered: threading.Event = field(default_factory=threading.Event)
    refused: ReasonCode | None = None
    lost: bool = False
    # never held while the client is called: it calls back with locks of its own held
    news: threading.Condition = field(default_factory=threading.Condition)
    acknowledged: dict[int, ReasonCode] = field(default_factory=dict)

    def acknowledgement(self, mid: int, seconds: float) -> ReasonCode | None:
        """What the broker said of a message; None when it said nothing in time, or the connection went."""
        with self.news:
            self.news.wait_for(lambda: mid in self.acknowledged or self.lost, seconds)
            return self.acknowledged.pop(mid, None)


class Publisher:
    """A connection that is made when it is needed and kept. Safe to call from several threads.
    `listen`: filters that are subscribed to on each connection; `heard` gets (topic, payload,
    correlation data) of what comes, in the connection's own thread."""

    def __init__(
        self,
        options: Mapping[str, Any],
        listen: Sequence[str] = (),
        heard: Callable[[str, bytes, bytes], None] | None = None,
    ) -> None:
        self._options = options
        self._listen = tuple(listen)
        self._heard = heard
        self._guard = threading.Lock()
        self._connection: _Connection | None = None
        self._dialling = Aside("mqtt connect", most=4)
        self._trust = ssl.create_default_context(cafile=options.get("ca_file")) if options["tls"] else None

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        seconds: float,
        properties: Mapping[str, str] | None = None,
        reply: tuple[str, bytes] | None = None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        """On return the broker has acknowledged it. `properties` become user properties, `reply` the
        response topic and correlation data; `leave` is called once there is a broker to take it. NotTaken
        after `seconds` at the latest."""
        deadline = Deadline(seconds)
        connection = self._connected(deadline)
        given = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        given.UserProperty = list((properties or {}).items())
        if reply is not None:
            given.ResponseTopic, given.CorrelationData = reply
        leave()
        try:
            info = connection.client.publish(topic, payload, qos=1, properties=given)
        except ValueError as error:
            raise NotTaken("bad_address", str(error), transient=False) from error
        if info.rc != paho.MQTT_ERR_SUCCESS:
            self._drop(connection)
            raise NotTaken("no_connection", paho.error_string(info.rc))
        reason = connection.acknowledgement(info.mid, deadline.left)
        if reason is None:
            lost = connection.lost
            self._drop(connection)
            said = "the connection was lost" if lost else f"none within {seconds:g} s"
            raise NotTaken("no_acknowledgement", said, doubtful=True)
        if reason.is_failure:
            raise NotTaken(f"refused_0x{reason.value:02x}", str(reason), transient=_may_change(reason))

    def close(self) -> None:
        """Leave the broker; nothing happens where there is no connection."""
        with self._guard:
            connection, self._connection = self._connection, None
        if connection is not None:
            self._end(connection)

    def _connected(self, deadline: Deadline) -> _Connection:
        with self._guard:
            if self._connection is None or self._connection.lost:
                if self._connection is not None:
                    self._end(self._connection)
                self._connection = None
                self._connection = self._connect(deadline)
            return self._connection

    def _connect(self, deadline: Deadline) -> _Connection:
        host, port = str(self._options["host"]), int(self._options["port"])
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._options.get("client_id") or "",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        connection = _Connection(client)
        client.user_data_set(connection)
        client.on_connect, client.on_disconnect = self._on_connect, _on_disconnect
        client.on_publish, client.on_message = _on_publish, self._on_message
        client.connect_timeout = max(0.1, deadline.left)
        if self._options.get("user"):
            client.username_pw_set(self._options["user"], self._options.get("password") or None)
        if self._trust is not None:
            client.tls_set_context(self._trust)
        try:
            # the name is resolved in there, which has no deadline of its own
            self._dialling.call(lambda: client.connect(host, port, keepalive=30), deadline.left)
        except (OSError, ValueError) as error:
            raise NotTaken("no_connection", f"{type(error).__name__}: {error}") from error
        client.loop_start()
        if not connection.answered.wait(deadline.left):
            self._end(connection)
            raise NotTaken("no_connection", "the broker does not answer")
        if connection.refused is not None or connection.lost:
            self._end(connection)
            refused = connection.refused
            raise NotTaken(
                f"refused_0x{refused.value:02x}" if refused else "no_connection",
                str(refused or "the connection was lost"),
                transient=refused is None or _may_change(refused),
            )
        return connection

    def _drop(self, connection: _Connection) -> None:
        """Give a connection up, with what is still on its way in it."""
        connection.lost = True
        with self._guard:
            if self._connection is connection:
                self._connection = None
        self._end(connection)

    @staticmethod
    def _end(connection: _Connection) -> None:
        with suppress(OSError, ValueError):
            connection.client.disconnect()
        connection.client.loop_stop()

    def _on_connect(
        self,
        client: paho.Client,
        connection: _Connection,
        _flags: Any,
        reason: ReasonCode,
        _properties: Any,
    ) -> None:
        if reason.is_failure:
            connection.refused = reason
        elif self._listen:
            # answers wait for the subscription: `answered` is set when it is granted
            client.on_subscribe = _on_subscribe
            client.subscribe([(filter, SubscribeOptions(qos=1)) for filter in self._listen])
            return
        connection.answered.set()

    def _on_message(self, _client: paho.Client, _connection: _Connection, message: paho.MQTTMessage) -> None:
        if self._heard is not None:
            data = getattr(message.properties, "CorrelationData", b"")
            self._heard(message.topic, bytes(message.payload), data if isinstance(data, bytes) else b"")


def _on_subscribe(
    _client: paho.Client, connection: _Connection, _mid: int, reasons: list[ReasonCode], _properties: Any
) -> None:
    connection.refused = next((reason for reason in reasons if reason.is_failure), None)
    connection.answered.set()


def _on_publish(
    _client: paho.Client, connection: _Connection, mid: int, reason: ReasonCode, _properties: Any
) -> None:
    with connection.news:
        connection.acknowledged[mid] = reason
        connection.news.notify_all()


def _on_disconnect(
    _client: paho.Client, connection: _Connection, _flags: Any, _reason: ReasonCode, _properties: Any
) -> None:
    with connection.news:
        connection.lost = True
        connection.news.notify_all()
    connection.answered.set()


def _may_change(reason: ReasonCode) -> bool:
    return reason.value not in _FOR_GOOD
