"""From approval to hand-over: one warning to ten thousand recipients, with the embedded stores.

`delivery.py [--small]`: 10,000 recipients, or 1,000. Each part runs the real chain: the approved message is
published (who is told is decided, every delivery journalled, the journal's chain and anchor written to disk),
the courier writes every attempt down durably and hands the copies to the adapter, outcomes are journalled.
A recipient's clock starts before the approval's turn and stops when the adapter is called with their copy.

ours: the built-in channel `bulk` to a gateway, a real HTTP server in a process of its own, that takes up to
1,000 copies in one signed POST and answers for each. `cpu_s` is the processor time of it all, `approval_s`
the turn of the approval, `handed_p50_s`, `handed_p99_s` when the adapter has a copy, `taken_p99_s` when the
gateway has answered for it, `journalled_s` when every outcome is in the journal.
webhook: the built-in channel, one signed POST a recipient to the same server: what a peer that takes one at a
time allows; its figures are throughput, not ours.

peer `one_by_one`: the plain twin (`dispatch.hand_over`), one durable attempt, one exchange, one durable
outcome and one row of the journal a recipient, in a loop, for a fiftieth of the recipients; its time is
multiplied by fifty and said so (in truth it grows faster: each turn copies the state). Before times are
compared the two are: same deliveries handed over, same statuses.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from anlan import dispatch, flow
from anlan.app.clock import WallClock
from anlan.app.config import ChannelConfig, Config
from anlan.app.courier import Courier
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.channels.bulk import Bulk
from anlan.channels.guard import Guarded
from anlan.channels.registry import build
from anlan.model.assessment import Assessment
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.warning import Contents, Recipient, Warning
from anlan.packs.load import load_pack
from anlan.ports.channel import Parcel, Receipt
from anlan.turn import Turn

ROOT = Path(__file__).resolve().parents[1]
KEY = b"a key of thirty-two characters..."
WORD = Text("a word", "字")


def serve(ready: Any) -> None:
    """The gateway's process: checks the signature of what it gets, answers how many it took."""

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
            entry = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
            good = hmac.compare_digest(f"v1,{entry}", self.headers["webhook-signature"])
            count = 1
            if self.path == "/bulk":
                texts = [text for message in json.loads(body)["messages"] for text in message["texts"]]
                count = sum(len(text["to"]) for text in texts)
            answer = json.dumps({"accepted": count}).encode()
            self.send_response(200 if good else 403)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    ready.send(server.server_address[1])
    server.serve_forever()


class Timed:
    """The built-in bulk gateway's adapter, and when it got each copy and had the gateway's word for it."""

    id = "bulk"
    public = False
    at_once = Bulk.at_once

    def __init__(self, options: dict[str, Any]) -> None:
        self.inner = build("bulk", options, WallClock())
        self.handed: dict[str, float] = {}
        self.taken: dict[str, float] = {}

    def deliver(self, parcel: Parcel) -> Receipt:
        return self.deliver_many([parcel])[0]

    def deliver_many(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        now = time.perf_counter()
        for parcel in parcels:
            self.handed[parcel.delivery.id] = now
        receipts: list[Receipt] = self.inner.deliver_many(parcels)  # type: ignore[attr-defined]
        now = time.perf_counter()
        for parcel, receipt in zip(parcels, receipts, strict=True):
            if receipt.accepted:
                self.taken[parcel.delivery.id] = now
        return receipts


def gateway_of(folder: Path, port: int) -> Timed:
    """The adapter to the gateway's process."""
    key = folder.parent / "hook.key"
    key.write_bytes(KEY)
    local = {"plain_http": True, "private_networks": True}
    return Timed({"url": f"http://127.0.0.1:{port}/bulk", "key": {"file": str(key)}, **local})


def crowd(count: int, channel: str, address: str) -> Pack:
    """The demonstration's pack with so many recipients on one plan, half of them read Chinese first."""
    pack = load_pack(ROOT / "packs" / "demo", (ROOT / "packs",))
    plan = min(pack.plans.values(), key=lambda plan: plan.id)
    recipients = {
        f"r{n:05d}": Recipient(
            f"r{n:05d}",
            WORD,
            channel,
            address.format(n=n),
            plan.places,
            languages=("zh", "en") if n % 2 else ("en",),
        )
        for n in range(count)
    }
    plan = replace(plan, recipients=tuple(recipients), ladder=())
    return replace(pack, plans={plan.id: plan}, recipients=recipients)


def open_desk(
    folder: Path, pack: Pack, channels: tuple[ChannelConfig, ...] = ()
) -> tuple[RunningDesk, Warning]:
    """A live desk with one warning submitted, and seen once as its approver does."""
    folder.mkdir()
    (folder / "anlan.toml").write_text('pack = "demo"\nsender = "bench@anlan.invalid"\n')
    config = Config(pack="demo", sender="bench@anlan.invalid", channel=channels)
    desk = RunningDesk(RunningHouse(folder, WallClock(), config, pack=pack))
    (plan,) = pack.plans.values()
    now, hazard, place = datetime.now(UTC), plan.hazards[0], plan.places[0]
    risk = Assessment(
        "R-1", hazard, pack.hazards[hazard].domain, place, WORD, now, now, "automatic", "confirmed", "known",
        2, 2, (),
    )  # fmt: skip
    contents = Contents(WORD, now, WORD, WORD, WORD, WORD)
    warning = Warning(
        "W-1", risk.id, "alert", "submitted", "Actual", "Public", hazard, 2, (place,), contents, WORD, now,
        now + timedelta(hours=6), plan.issuer, plan.basis, "ada", submitted=now, plan=plan.id,
    )  # fmt: skip
    desk.changed = lambda: None
    with desk._turn():
        turn = Turn(desk.house, desk.clock.now())
        turn.put("assessment.opened", risk, risk.id)
        turn.put("warning.submitted", warning, risk.id)
        desk._end(turn)
    desk.cap(warning.id)
    return desk, warning


def approve(desk: RunningDesk, warning: Warning) -> None:
    """The approval's own turn, as the act does it once the approver has shown who they are."""
    with desk._turn():
        turn = Turn(desk.house, desk.clock.now())
        flow.publish(turn, replace(warning, status="approved", approver="ben", sent=turn.now), "ben")
        desk._end(turn)


def statuses(desk: RunningDesk) -> dict[str, str]:
    return {d.recipient: d.status for d in desk.state().deliveries.values()}


def batched(folder: Path, count: int, port: int) -> tuple[dict[str, float], dict[str, str], int]:
    desk, warning = open_desk(folder, crowd(count, "bulk", "+86{n:011d}"))
    bulk = gateway_of(folder, port)
    desk.house._channels["bulk"] = Guarded(bulk)
    courier = Courier(desk)
    desk.changed = courier.look
    courier.start()
    # as the service does at its start
    gc.collect()
    gc.freeze()
    began, spent = time.perf_counter(), time.process_time()
    approve(desk, warning)
    approved = time.perf_counter()
    while len(bulk.taken) < count:
        time.sleep(0.002)
    while desk.state().to_send:
        time.sleep(0.002)
    done = time.perf_counter()
    courier.stop()
    courier.join(5)
    handed = sorted(at - began for at in bulk.handed.values())
    taken = sorted(at - began for at in bulk.taken.values())
    times = {
        "approval_s": approved - began,
        "handed_p50_s": handed[count // 2],
        "handed_p99_s": handed[int(count * 0.99)],
        "taken_p99_s": taken[int(count * 0.99)],
        "journalled_s": done - began,
        "cpu_s": time.process_time() - spent,
    }
    rows = desk.house.journal.head()[0]
    found = statuses(desk)
    desk.close()
    return times, found, rows


def by_webhook(folder: Path, count: int, port: int) -> dict[str, float]:
    """The built-in webhook: one exchange a recipient."""
    (folder.parent / "hook.key").write_bytes(KEY)
    options = {"key": {"file": str(folder.parent / "hook.key")}, "plain_http": True, "private_networks": True}
    channel = ChannelConfig("hook", "webhook", options)
    desk, warning = open_desk(folder, crowd(count, "hook", f"http://127.0.0.1:{port}/one/{{n}}"), (channel,))
    courier = Courier(desk)
    desk.changed = courier.look
    courier.start()
    began = time.perf_counter()
    approve(desk, warning)
    while desk.state().to_send:
        time.sleep(0.01)
    spent = time.perf_counter() - began
    courier.stop()
    courier.join(5)
    assert set(statuses(desk).values()) == {"accepted"}
    desk.close()
    return {"webhook_all_s": spent, "webhook_per_s": count / spent}


def one_by_one(folder: Path, count: int, port: int) -> tuple[float, dict[str, str]]:
    """The plain twin: everything for one recipient, then for the next."""
    desk, warning = open_desk(folder, crowd(count, "bulk", "+86{n:011d}"))
    desk.house._channels["bulk"] = Guarded(gateway_of(folder, port))
    began = time.perf_counter()
    approve(desk, warning)
    while due := dispatch.due_now(desk.state(), desk.clock.now()):
        delivery = due[0]
        now = desk.clock.now()
        receipt = dispatch.hand_over(desk.house, delivery, desk.state().warnings[delivery.warning], now)
        desk.settle(delivery.id, receipt)
    spent = time.perf_counter() - began
    found = statuses(desk)
    desk.close()
    return spent, found


def main() -> None:
    count = 1_000 if "--small" in sys.argv[1:] else 10_000
    here, there = multiprocessing.Pipe()
    gateway = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    gateway.start()
    port = here.recv()
    folder = Path(tempfile.mkdtemp(prefix="anlan-bench-"))
    try:
        runs = []
        for run in range(3):
            times, found, rows = batched(folder / f"many{run}", count, port)
            runs.append(times)
        ours = {name: min(run[name] for run in runs) for name in runs[0]}
        worst = max(run["handed_p99_s"] for run in runs)
        ours |= by_webhook(folder / "hook", count // 10, port)
        spent, plain = one_by_one(folder / "plain", count // 50, port)
        agree = all(found[who] == status for who, status in plain.items()) and set(found.values()) == {
            "accepted"
        }
    finally:
        gateway.terminate()
        shutil.rmtree(folder)
    peers = {"one_by_one": {"journalled_s": spent * 50, "measured_s": spent}}
    for name, seconds in {**ours, "one_by_one (50 x a fiftieth)": spent * 50}.items():
        print(f"{name:34} {seconds:10.3f}")
    print(f"worst p99 of three runs            {worst:10.3f}")
    print(
        json.dumps(
            {
                "name": "delivery",
                "work": f"{count} recipients, from approval to hand-over, {rows} journal rows",
                "ours": {name: round(value, 4) for name, value in ours.items()},
                "peers": {
                    name: {key: round(value, 3) for key, value in times.items()}
                    for name, times in peers.items()
                },
                "ratio": {"one_by_one": round(spent * 50 / ours["journalled_s"], 1)},
                "agree": agree,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
