"""The public site from memory beside the same page made on each request: the same words first, then how fast.

`public.py [--small]`:

- serve: the English list of warnings in force, asked for by 16 connections over keep-alive HTTP on this
  machine, from the site's own path and from the same server with the list's template rendered on each
  request (the peer). Requests a second, the 95th percentile of the time to a whole answer, and the server's
  processor time for an answer, each the best of three runs in turns (the ratio is of processor times); also
  with gzip, and with the validator of a copy that has not changed (304).
- build: an edition of 100 and 1,000 warnings in force from nothing, and the next one a minute later.

One server process, one core; the client runs beside it and takes a core of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import resource
import socket
import sys
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from anlan.web.bulletin.edition import Edition, Settings, edition, environment
from anlan.web.bulletin.press import Press
from anlan.web.bulletin.serving import Serving
from bulletins import NOW, Shown, warning

LOOPBACK = "127.0.0.1"
CONNECTIONS = 16


def shown(count: int) -> Shown:
    """`count` warnings in force, at the four levels and places in turn."""
    places = (("xx/1",), ("xx/2",), ("xx/3",), ("xx",))
    made = [warning(f"W-{n:05}", 1 + n % 4, places[n % 4], risk=f"R-{n}") for n in range(count)]
    made = [replace(w, headline=replace(w.headline, en=f"{w.headline.en} {n}")) for n, w in enumerate(made)]
    return Shown.of(made)


class Peer:
    """The list made anew for each request, from the same template and the same board."""

    def __init__(self, source: Shown) -> None:
        from anlan.web.bulletin.board import board
        from anlan.web.bulletin.sheet import Sheet

        self.source, self.board, self.sheet = source, board, Sheet
        self.known: Any = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await receive()
            return
        html = self.page().encode()
        head = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(html)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": html, "more_body": False})

    def page(self) -> str:
        source = self.source
        found = self.board(source.state(), source.pack, source.cap, source.clock.now(), self.known)
        self.known = found.bulletins
        sheet = self.sheet(found, source.pack, "en", Settings().zone, "../", True)
        template = environment().get_template("bulletin/index.html")
        return template.render(
            s=sheet, t=sheet.words, other=sheet, path="en/index.html", place_file=str, late=300, minutes=5
        )


def serve(kind: str, count: int, port: int, ready: Any) -> None:
    source = shown(count)
    application: Any
    if kind == "ours":
        press = Press(source, Settings())
        press.turn()
        application = Serving(press, Peer(source))
    else:
        application = Peer(source)
    config = uvicorn.Config(
        application, host=LOOPBACK, port=port, log_level="error", access_log=False, lifespan="off", ws="none",
        server_header=False, date_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)

    async def run() -> None:
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        ready.set()
        await task

    asyncio.run(run())


@dataclass(frozen=True)
class Load:
    """What one run gave: answers a second, the 95th percentile (s), the server's processor time for one
    answer (s), the bytes of one answer's body."""

    rate: float
    p95: float
    cpu: float
    size: int
    body: bytes


async def _ask(port: int, request: bytes, until: float, times: list[float], bodies: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        body = await reader.readexactly(length) if length else b""
        times.append(time.perf_counter() - began)
        if not bodies:
            bodies.append(body)
    writer.close()


def spent(pid: int) -> float:
    """Processor seconds of a process so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(server: tuple[Any, int], path: str, seconds: float, headers: str = "") -> Load:
    process, port = server
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode()
    times: list[float] = []
    bodies: list[bytes] = []

    async def run() -> float:
        began = time.perf_counter()
        until = began + seconds
        await asyncio.gather(*(_ask(port, request, until, times, bodies) for _ in range(CONNECTIONS)))
        return time.perf_counter() - began

    before = spent(process.pid)
    took = asyncio.run(run())
    cpu = (spent(process.pid) - before) / len(times)
    times.sort()
    return Load(len(times) / took, times[int(0.95 * len(times))], cpu, len(bodies[0]), bodies[0])


def best(runs: list[Load]) -> Load:
    """The best figure of each kind."""
    return Load(
        max(run.rate for run in runs),
        min(run.p95 for run in runs),
        min(run.cpu for run in runs),
        runs[0].size,
        runs[0].body,
    )


def started(kind: str, count: int) -> tuple[Any, int]:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = int(free.getsockname()[1])
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=serve, args=(kind, count, port, ready), daemon=True)
    process.start()
    assert ready.wait(60), f"the server of {kind} did not start"
    return process, port


def words(body: bytes) -> str:
    """What a page says, without its age, and without what a digest of addresses changes."""
    from lxml import etree

    tree = etree.fromstring(body, etree.HTMLParser())
    main = tree.find(".//main")
    return " ".join("".join(main.itertext()).split())


def serving(count: int, seconds: float) -> dict[str, Any]:
    path = "/public/en/index.html"
    tag = edition(shown(count), Settings()).files["en/index.html"].tag
    asked = {"plain": "", "packed": "Accept-Encoding: gzip\r\n", "same": f'If-None-Match: "{tag}"\r\n'}
    site, peers = started("ours", count), started("peer", count)
    runs: dict[str, list[Load]] = {name: [] for name in (*asked, "peer")}
    # in turns, so that what else runs on the machine meets both alike
    for _ in range(3):
        for name, headers in asked.items():
            runs[name].append(load(site, path, seconds, headers))
        runs["peer"].append(load(peers, path, seconds))
    for process, _ in (site, peers):
        process.terminate()
        process.join()
    plain, packed, same, peer = (best(runs[name]) for name in ("plain", "packed", "same", "peer"))
    found = {
        "warnings": count,
        "agree": words(plain.body) == words(peer.body) and same.size == 0,
        "bytes": plain.size,
        "bytes_gzip": packed.size,
        "requests_per_s": round(plain.rate),
        "p95_s": plain.p95,
        "gzip_requests_per_s": round(packed.rate),
        "not_modified_requests_per_s": round(same.rate),
        "peer_requests_per_s": round(peer.rate, 1),
        "peer_p95_s": peer.p95,
        "cpu_s": plain.cpu,
        "peer_cpu_s": peer.cpu,
    }
    print(json.dumps(found))
    return found


def building(count: int) -> dict[str, Any]:
    source = shown(count)
    gc.collect()
    began = time.process_time()
    first: Edition = edition(source, Settings())
    whole = time.process_time() - began
    source.clock.at = NOW + timedelta(minutes=1)
    began = time.process_time()
    again = edition(source, Settings(), first)
    found = {
        "warnings": count,
        "files": len(again.files),
        "from_nothing_s": round(whole, 3),
        "a_minute_later_s": round(time.process_time() - began, 3),
    }
    print(json.dumps(found))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a shorter run")
    small = parser.parse_args().small
    load_before = os.getloadavg()[0]
    served = [serving(count, 1.0 if small else 2.0) for count in ((10, 100) if small else (10, 100, 1000))]
    built = [building(count) for count in ((100,) if small else (100, 1000))]
    main_case = served[1]
    ours, peer = main_case["cpu_s"], main_case["peer_cpu_s"]
    name = "rendered on each request"
    print(
        json.dumps(
            {
                "name": "public",
                "machine": f"on {os.cpu_count()} cores, load {load_before:.1f} before the start",
                "work": f"the list of {main_case['warnings']} warnings in force, {CONNECTIONS} connections; "
                "processor time of the server for an answer",
                "ours": {"request_s": ours, "p95_s": main_case["p95_s"]},
                "peers": {name: {"request_s": peer, "p95_s": main_case["peer_p95_s"]}},
                "ratio": {name: round(peer / ours, 1)},
                "agree": all(one["agree"] for one in served),
                "served": served,
                "built": built,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
