"""A stop of the subscription to acknowledgements ends it, at whatever moment it comes."""

from __future__ import annotations

import socket
import threading
from typing import Any

from anlan.app.acknowledgements import Acknowledgements
from anlan.app.config import AcknowledgementsConfig


def test_a_stop_while_it_connects_again_is_not_forgotten() -> None:
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def broker() -> None:
            first, _ = server.accept()
            first.close()  # as one that restarts
            held.append(server.accept()[0])  # and does not answer yet

        listening = threading.Thread(target=broker, daemon=True)
        listening.start()
        config = AcknowledgementsConfig(
            host="127.0.0.1", port=server.getsockname()[1], client_id="a-test", tls=False
        )
        nobody: Any = None  # nothing is said
        heard = Acknowledgements(nobody, config)
        calls: list[int] = []

        def before_connecting(*_: object) -> None:
            calls.append(1)
            if len(calls) == 2:
                heard.stop()

        heard._client.on_pre_connect = before_connecting
        heard.start()
        heard._thread.join(8)
        assert len(calls) == 2
        assert not heard._thread.is_alive()
        listening.join(8)
        for one in held:
            one.close()


def test_a_stop_before_the_broker_is_there_ends_it_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    nobody: Any = None
    heard = Acknowledgements(
        nobody, AcknowledgementsConfig(host="127.0.0.1", port=port, client_id="a-test", tls=False)
    )
    heard.start()
    heard.stop()
    heard.join(2)
    assert not heard._thread.is_alive()
