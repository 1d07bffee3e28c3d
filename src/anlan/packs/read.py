"""From folders to one resolved pack: find, read, lay over one another, digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from anlan.model.errors import Fault
from anlan.model.pack import GeocodeScheme, GeometryLayer, Pack
from anlan.model.place import Place
from anlan.model.text import Text
from anlan.packs.csvtables import from_row
from anlan.packs.decode import Decoded, decode_partly
from anlan.packs.definitions import Definitions, Part, Resolved, duplicates, overlay
from anlan.packs.documents import Document, Item, Origin, parse_toml, read_rows, read_text
from anlan.packs.paths import MANIFEST, SHARED, available, is_path, leaves, named_files, pack_path
from anlan.packs.tables import CSV_FILES, FREE_FOLDERS, TOML_FILES, CsvFile, Manifest, Table, matches

T = TypeVar("T")


@dataclass(slots=True)
class Folder:
    """One pack's folder as read."""

    path: Path
    manifest: Manifest
    definitions: Definitions
    files: tuple[str, ...]


def read_pack(pack: str | Path, search: Sequence[Path] | None) -> tuple[Resolved | None, list[Fault], bool]:
    """The resolved pack with its faults of reading, and whether every pack that it extends is there.
    None when there is nothing to resolve."""
    faults: list[Fault] = []
    search = pack_path() if search is None else tuple(search)
    stack, whole = _stack(pack, search, faults)
    if not stack:
        return None, faults, False
    top = stack[-1]
    items, replaced = overlay([folder.definitions for folder in stack])
    resolved = Resolved(_pack(top.manifest, stack, items), items, replaced)
    return resolved, faults, whole


def _stack(pack: str | Path, search: tuple[Path, ...], faults: list[Fault]) -> tuple[list[Folder], bool]:
    """The packs from the lowest to the one asked for, each once, and whether none is missing."""
    if is_path(pack):
        top = Path(pack).expanduser().resolve()
        if not (top / MANIFEST).is_file():
            faults.append(Fault(MANIFEST, "", "no pack there", str(top), f"a folder with {MANIFEST}"))
            return [], False
        search = (*search, top.parent)
    known = available(search)
    if not is_path(pack):
        if str(pack) not in known:
            looked = ", ".join(map(str, search)) or "no folder at all"
            faults.append(
                Fault(
                    MANIFEST,
                    "",
                    "no such pack",
                    repr(str(pack)),
                    f"one of {', '.join(known) or 'none'} (searched {looked})",
                )
            )
            return [], False
        top = known[str(pack)]
    stack: list[Folder] = []
    done: set[Path] = set()
    lost: list[str] = []

    def climb(path: Path, below: tuple[str, ...]) -> None:
        folder = read_folder(path, "" if path == top else f"{path.name}:", faults)
        if folder is None:
            lost.append(path.name)
            return
        origin = folder.definitions.manifest[0].origin
        chain = (*below, folder.manifest.id)
        for place, base in enumerate(folder.manifest.extends):
            if base in chain:
                lost.append(base)
                circle = " -> ".join((*chain[chain.index(base) :], base))
                faults.append(
                    origin.fault("packs extend each other in a circle", "extends", place, found=circle)
                )
            elif base not in known:
                lost.append(base)
                faults.append(
                    origin.fault(
                        "no such pack",
                        "extends",
                        place,
                        found=repr(base),
                        expected=f"one of {', '.join(known) or 'none'}",
                    )
                )
            elif known[base] not in done:
                climb(known[base], chain)
        done.add(path)
        stack.append(folder)

    climb(top, ())
    return (stack, not lost) if stack and stack[-1].path == top else ([], False)


def read_folder(path: Path, prefix: str, faults: list[Fault]) -> Folder | None:
    """Every table of one pack folder; None when its manifest cannot be read. `prefix` goes before
    file names in faults (`cn:` for a file of the pack cn that another one extends)."""
    definitions = Definitions()
    files = tuple(pack_files(path))
    for file in files:
        if not os.access(path / file, os.R_OK):  # a broken link, or no right to read
            faults.append(Fault(prefix + file, "", "cannot be read", expected="a readable file"))
            definitions.unreadable.add(str(path / file))
            definitions.lost |= _targets(file)
            continue
        if PurePosixPath(file).parts[0] in FREE_FOLDERS:
            continue
        toml = next((kind for kind in TOML_FILES if matches(kind.pattern, file)), None)
        table = next((kind for kind in CSV_FILES if matches(kind.pattern, file)), None)
        sound = True
        if toml is None and table is None:
            if file.endswith((".toml", ".csv")):
                faults.append(
                    Fault(
                        prefix + file, "", "no file of the pack format, so nothing reads it", file, _shapes()
                    )
                )
            continue
        document = read_text(path / file, prefix + file)
        if isinstance(document, Fault):
            faults.append(document)
            sound = False
        elif toml is not None:
            sound = _read_toml(document, toml.tables, definitions, faults)
        elif table is not None:
            sound = _read_csv(document, table, definitions, faults)
        if not sound:
            definitions.lost |= _targets(file)
    if not definitions.manifest:
        return None
    manifest = definitions.manifest[0]
    if manifest.value.id != path.name:
        faults.append(
            manifest.origin.fault(
                "the id is not the name of the folder", "id", found=manifest.value.id, expected=path.name
            )
        )
    _refuse_leaving(path, definitions, faults)
    _place_files(path, definitions)
    faults.extend(duplicates(definitions))
    return Folder(path, manifest.value, definitions, files)


def _targets(file: str) -> set[str]:
    """The fields of the definitions that a file of that name fills."""
    found: set[str] = set()
    for kind in TOML_FILES:
        if matches(kind.pattern, file):
            found.update(table.target for table in kind.tables)
    return found | {kind.target for kind in CSV_FILES if matches(kind.pattern, file)}


def _shapes() -> str:
    return ", ".join(kind.pattern for kind in (*TOML_FILES, *CSV_FILES))


def _read_toml(
    document: Document, tables: tuple[Table, ...], definitions: Definitions, faults: list[Fault]
) -> bool:
    tree = parse_toml(document)
    if isinstance(tree, Fault):
        faults.append(tree)
        return False
    if not tables[0].name:
        _take(tables[0], tree, Origin(document), definitions, faults)
        return True
    expected = " or ".join(f"[[{table.name}]]" for table in tables)
    by_name = {table.name: table for table in tables}
    for name, entries in tree.items():
        table = by_name.get(name)
        origin = Origin(document, (name,))
        if table is None:
            faults.append(origin.fault("unknown key", found=repr(name), expected=expected))
        elif not isinstance(entries, list):
            faults.append(origin.fault("not a list of tables", expected=f"[[{name}]]"))
        else:
            for place, entry in enumerate(entries):
                _take(table, entry, Origin(document, (name, place)), definitions, faults)
    return True


def _take(table: Table, raw: object, origin: Origin, definitions: Definitions, faults: list[Fault]) -> None:
    found: Decoded[Any] = decode_partly(table.kind, raw, origin, faults)
    if found.value is not None:
        getattr(definitions, table.target).append(Item(found.value, origin))
        return
    if found.partial is not None:
        definitions.parts.append(Part(table.target, Item(found.partial, origin), found.told))
    id = raw.get("id", raw.get("name")) if isinstance(raw, dict) else None
    if isinstance(id, str):
        definitions.broken.setdefault(table.target, set()).add(id)


def _read_csv(
    document: Document,
    table: CsvFile,
    definitions: Definitions,
    faults: list[Fault],
) -> bool:
    before, target = len(faults), table.target
    rows, unreadable = read_rows(document, table.columns, table.optional)
    faults.extend(unreadable)
    items = getattr(definitions, target)
    for row in rows:
        found = from_row(target, row, faults)
        if found.value is not None:
            items.append(Item(found.value, row.origin))
            continue
        if found.partial is not None:
            definitions.parts.append(Part(target, Item(found.partial, row.origin), found.told))
        if row.cells.get("id"):
            definitions.broken.setdefault(target, set()).add(row.cells["id"])
    return not unreadable or len(faults) == before


def _refuse_leaving(path: Path, definitions: Definitions, faults: list[Fault]) -> None:
    """Files that a pack names stand in its own folder, or in that of the reference data where they are so
    marked; a source may besides name a file by its whole path, which is for a person to look at. What
    leads out is a fault, and nothing reads it."""
    root = path.resolve()
    drawn: list[Item[GeometryLayer] | Item[GeocodeScheme]] = [*definitions.geometry, *definitions.geocodes]
    for layer in drawn:
        there = (path / "places" / layer.value.path).resolve()
        if leaves(layer.value.path, "places") or not there.is_relative_to(root):
            faults.append(
                layer.origin.fault(
                    "leads out of the pack", "file", found=layer.value.path, expected="a path inside the pack"
                )
            )
            definitions.unreadable.add(_join(path / "places", layer.value.path))
    for source in definitions.sources:
        for keys, file in named_files(source.value.options):
            if leaves(file) and not Path(file).is_absolute():
                faults.append(
                    source.origin.fault(
                        "leads out of its folder", *keys, found=file, expected="a path inside the pack"
                    )
                )
                definitions.unreadable.add(_join(path, file))


def _place_files(path: Path, definitions: Definitions) -> None:
    """Make absolute the paths that a pack gives relative to itself: geometry (to `places/`), and a
    source's `file` or `files` (to the pack)."""
    definitions.geometry = [
        Item(replace(item.value, path=_join(path / "places", item.value.path)), item.origin)
        for item in definitions.geometry
    ]
    definitions.geocodes = [
        Item(replace(item.value, path=_join(path / "places", item.value.path)), item.origin)
        for item in definitions.geocodes
    ]
    for index, item in enumerate(definitions.sources):
        options = dict(item.value.options)
        if isinstance(options.get("file"), str):
            options["file"] = _join(path, options["file"])
        if isinstance(options.get("files"), list):
            options["files"] = [
                _join(path, part) if isinstance(part, str) else part for part in options["files"]
            ]
        definitions.sources[index] = Item(replace(item.value, options=options), item.origin)


def _join(folder: Path, file: str) -> str:
    return file if "://" in file or file.startswith(SHARED) else os.path.normpath(folder / file)


def pack_files(path: Path) -> Iterator[str]:
    """Every file of a pack folder, dotfiles and dot-folders excepted, relative and sorted."""
    found: list[str] = []
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(
            (Path(folder) / name).relative_to(path).as_posix() for name in files if not name.startswith(".")
        )
    return iter(sorted(found))


def digest(stack: Sequence[Folder]) -> str:
    """SHA-256 over the sorted lines `<pack id>/<file> <SHA-256 of the file>` of all packs of a stack.
    A file that cannot be read has its fault already, and a pack with faults is not in service."""
    lines = []
    for folder in stack:
        for file in folder.files:
            try:
                with (folder.path / file).open("rb") as stream:
                    mark = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError:
                mark = "unreadable"
            lines.append(f"{folder.manifest.id}/{file} {mark}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _pack(manifest: Manifest, stack: Sequence[Folder], items: Definitions) -> Pack:
    return Pack(
        id=manifest.id,
        version=manifest.version,
        title=Text(manifest.title.en, manifest.title.zh),
        digest=digest(stack),
        folders=tuple(str(folder.path) for folder in stack),
        places=_versions(items.places),
        place_levels=_table(items.place_levels),
        geometry=_row(items.geometry),
        geocodes=_row(items.geocodes),
        domains=_table(items.domains),
        categories=_table(items.categories),
        hazards=_table(items.hazards),
        warning_levels=_row(items.warning_levels),
        response_levels=_row(items.response_levels),
        grades=_row(items.grades),
        laws=_table(items.laws),
        organs=_table(items.organs),
        powers=_row(items.powers),
        duties=_table(items.duties),
        indicators=_table(items.indicators),
        sources=_table(items.sources),
        rules=_table(items.rules),
        records=_table(items.records, lambda record: str(record.rule)),
        matrices=_table(items.matrices),
        plans=_table(items.plans),
        recipients=_table(items.recipients),
        watches=_table(items.watches),
        inhibits=_table(items.inhibits),
        routes=_table(items.routes),
        users=_table(items.users, lambda user: str(user.name)),
        events=_table(items.events),
        cap_codes=_row(items.cap_codes),
    )


def _table(items: Sequence[Item[T]], key: Callable[[Any], str] = lambda value: str(value.id)) -> dict[str, T]:
    return {key(item.value): item.value for item in items}


def _row(items: Sequence[Item[T]]) -> tuple[T, ...]:
    return tuple(item.value for item in items)


def _versions(items: Sequence[Item[Place]]) -> dict[str, tuple[Place, ...]]:
    """Every dated version of a place, oldest first."""
    versions: dict[str, list[Place]] = {}
    for item in items:
        versions.setdefault(item.value.id, []).append(item.value)
    return {
        id: tuple(sorted(group, key=lambda place: place.validity.since or date.min))
        if group[1:]
        else (group[0],)
        for id, group in versions.items()
    }
