"""A siren behind the broker, as its maker would build it: it obeys each command once, and answers."""

from __future__ import annotations

import json
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from brokers import LOOPBACK, wait


class Device:
    """`says`: the state that it answers with, None for silence. `by_id` False: it answers with the
    correlation data alone, as a gateway of plain MQTT 5 would."""

    def __init__(self, port: int, name: str, says: str | None = "done", *, by_id: bool = True) -> None:
        self.says, self.by_id = says, by_id
        self.commands: list[dict[str, Any]] = []
        self.sounded: list[str] = []
        self._ready = False
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = self._obey
        self.client.on_connect = lambda client, *_: client.subscribe(f"anlan/siren/{name}/command", qos=1)
        self.client.on_subscribe = lambda *_: setattr(self, "_ready", True)
        self.client.connect(LOOPBACK, port)
        self.client.loop_start()
        wait(lambda: self._ready)

    def _obey(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        said = json.loads(message.payload)
        known = [command["id"] for command in self.commands]
        self.commands.append(said)
        if said["action"] == "sound" and said["id"] not in known:
            self.sounded.append(said["id"])
        if self.says is None:
            return
        given = Properties(PacketTypes.PUBLISH)
        given.CorrelationData = message.properties.CorrelationData
        answer = {"state": self.says, "detail": "battery 80 %"} | ({"id": said["id"]} if self.by_id else {})
        client.publish(message.properties.ResponseTopic, json.dumps(answer), qos=1, properties=given)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
