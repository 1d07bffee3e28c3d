"""One edition: every file of the site, as bytes, made from what is the case at one instant."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files as resources
from math import ceil
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.text import LANGUAGES, Text
from anlan.ports.clock import Clock
from anlan.web.bulletin import feeds
from anlan.web.bulletin.board import Board, Bulletin, board, place_file
from anlan.web.bulletin.sheet import BUILT, BUILT_AT, DUE, DUE_AT, HEALTH, Sheet, place_name
from anlan.web.catalogue import Words

HTML = "text/html; charset=utf-8"
CAP = "application/cap+xml"
STATIC_FILES = {
    "bulletin.css": "text/css; charset=utf-8",
    "age.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
#: a page is old after so many periods, and not before so long
PERIODS, OLD = 5, timedelta(minutes=2)
_STATIC = Path(str(resources("anlan.web"))) / "static"
#: sources of which nothing is heard
SILENT = ("late", "dead", "failing", "never")


class Source(Protocol):
    """What a site is built from: a desk has it, and so has a workspace that nobody serves."""

    @property
    def pack(self) -> Pack: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def mode(self) -> str: ...

    def state(self) -> State: ...

    @property
    def cap(self) -> Callable[[str], bytes]: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """`address`: where the public finds the site, for feeds, which need whole addresses (empty: relative
    ones). `period`: it is built anew at least so often. `zone`: instants are shown in it. `sender`: the CAP
    sender, in the identities of calendar entries."""

    address: str = ""
    period: timedelta = timedelta(seconds=60)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    sender: str = "anlan.invalid"


@dataclass(frozen=True, slots=True)
class File:
    """`content` as it stands on the disk, `packed` the same with gzip (None where that saves nothing), `tag`
    the strong validator of `content` (RFC 9110, section 8.8.3) without its quotes."""

    content: bytes
    kind: str
    packed: bytes | None
    tag: str


@dataclass(frozen=True, slots=True)
class Edition:
    """`files` by path, `built` when, `due` by when the next one is there at the latest, `head` the newest
    entry of the journal that it knows. `rendered`, `made`, `bulletins`: what the next one need not make
    again."""

    files: Mapping[str, File]
    built: datetime
    due: datetime
    head: int
    live: bool
    bulletins: Mapping[str, Bulletin]
    rendered: Mapping[tuple[object, ...], str]
    made: Mapping[str, tuple[object, ...]]
    turns: datetime | None


@cache
def environment() -> Environment:
    """Autoescaping everywhere; an undefined name is an error. Apart from the console's: the site is built
    also where there is no console."""
    return Environment(
        loader=PackageLoader("anlan.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        # a page goes with the code that fills it: files that an upgrade replaces are for the next start
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def edition(desk: Source, settings: Settings, earlier: Edition | None = None) -> Edition:
    """The site as at the desk's now. Whatever fails is raised: then the earlier edition stands, and says how
    old it is."""
    state, now = desk.state(), desk.clock.now()
    shown = board(state, desk.pack, desk.cap, now, earlier.bulletins if earlier else {})
    maker = _Maker(desk, settings, shown, state, now, earlier)
    files = maker.make()
    return Edition(
        files=files,
        built=now,
        due=now + settings.period,
        head=state.head,
        live=desk.mode == "live",
        bulletins=shown.bulletins,
        rendered=maker.rendered,
        made=maker.made,
        turns=_turns(shown),
    )


def _turns(shown: Board) -> datetime | None:
    """When something next ends by itself."""
    ends = [b.warning.expires for b in shown.in_force]
    return min(ends, default=None)


class _Maker:
    """Makes the files of one edition."""

    def __init__(
        self,
        desk: Source,
        settings: Settings,
        shown: Board,
        state: State,
        now: datetime,
        earlier: Edition | None,
    ) -> None:
        self.desk, self.settings, self.board, self.now = desk, settings, shown, now
        self.pack, self.live = desk.pack, desk.mode == "live"
        self.due = now + settings.period
        self.head = state.head
        # a source that has never told anything is as silent as one that has stopped
        self.sources = [
            state.sources[id].status if id in state.sources else "never" for id in desk.pack.sources
        ]
        self.before = earlier.rendered if earlier else {}
        self.old = earlier.files if earlier else {}
        self.rendered: dict[tuple[object, ...], str] = {}
        self.files: dict[str, File] = {}
        # what each file without an age was made of
        self.made_before = earlier.made if earlier else {}
        self.made: dict[str, tuple[object, ...]] = {}
        self.changed = now
        self.feed_id = ""

    def make(self) -> dict[str, File]:
        for name, kind in STATIC_FILES.items():
            folder = _STATIC if name == "icon.svg" else _STATIC / "bulletin"
            self._put(name, (folder / name).read_bytes(), kind)
        for bulletin in self.board.bulletins.values():
            self._put(f"cap/{bulletin.name}.cap.xml", bulletin.raw, CAP)
        self._page("index.html", "both.html", "en", "", self._lists(self.board.in_force, self.board.lifted))
        for language in LANGUAGES:
            self._language(language)
        self._feeds()
        return self.files

    def _language(self, language: str) -> None:
        shown = self.board
        self._page(
            f"{language}/index.html", "index.html", language, "../", self._lists(shown.in_force, shown.lifted)
        )
        key = tuple((place, shown.places[place]) for place in sorted(shown.places))
        self._page(f"{language}/places.html", "places.html", language, "../", ("places", key))
        for bulletin in shown.bulletins.values():
            chain = [*bulletin.warning.references, *bulletin.after]
            others = [shown.bulletins[id] for id in dict.fromkeys(chain) if id in shown.bulletins]
            linked = tuple(place for place in bulletin.warning.places if place in shown.places)
            self._page(
                f"{language}/warning/{bulletin.name}.html",
                "warning.html",
                language,
                "../../",
                (self._lists([bulletin], others), linked),
                b=bulletin,
                others=others,
                linked=linked,
            )
        for place, ids in shown.places.items():
            found = [shown.bulletins[id] for id in ids]
            lifted = [shown.bulletins[id] for id in shown.lifted_at[place]]
            here = place_file(place)
            self._page(
                f"{language}/place/{here}.html",
                "place.html",
                language,
                "../../",
                self._lists(found, lifted),
                place=place,
                here=here,
                found=found,
                lifted=lifted,
            )

    @staticmethod
    def _lists(*lists: Iterable[Bulletin]) -> tuple[object, ...]:
        """What a page is made of: while it stays, the page stays."""
        return tuple(tuple((b.warning.id, b.standing, b.after) for b in one) for one in lists)

    def _page(
        self, path: str, template: str, language: str, root: str, key: tuple[object, ...], **values: object
    ) -> None:
        whole = (path, self.live, self.pack.digest, key)
        html = self.before.get(whole)
        if html is None:
            late = round(max(OLD, PERIODS * self.settings.period).total_seconds())
            sheet = Sheet(self.board, self.pack, language, self.settings.zone, root, self.live)
            html = (
                environment()
                .get_template(f"bulletin/{template}")
                .render(
                    s=sheet,
                    t=sheet.words,
                    other=Sheet(self.board, self.pack, "zh", self.settings.zone, root, self.live),
                    path=path,
                    place_file=place_file,
                    late=late,
                    minutes=ceil(late / 60),
                    **values,
                )
            )
        self.rendered[whole] = html
        marks = {
            BUILT_AT: feeds.utc(self.now),
            DUE_AT: feeds.utc(self.due),
            BUILT: self._when(self.now),
            DUE: self._when(self.due),
        }
        for mark, value in marks.items():
            html = html.replace(mark, value)
        if HEALTH in html:
            first, *rest = html.split(HEALTH)
            languages = ("en", "zh") if rest[1:] else (language,)
            for part, one in zip(rest, languages, strict=True):
                first += self._health(one) + part
            html = first
        self._put(path, html.encode(), HTML)

    def _when(self, instant: datetime) -> str:
        local = instant.astimezone(self.settings.zone)
        offset = f"{local:%z}"
        return f"{local:%Y-%m-%d %H:%M:%S} UTC{f'{offset[:3]}:{offset[3:5]}' if local.utcoffset() else ''}"

    def _health(self, language: str) -> str:
        words, silent = Words(language), sum(status in SILENT for status in self.sources)
        if not self.sources:
            return ""
        key = "bulletin.sources_silent" if silent else "bulletin.sources_sound"
        return words(key, silent=silent, known=len(self.sources))

    def _feeds(self) -> None:
        told = (*self.board.in_force, *self.board.lifted)
        base = self.settings.address.rstrip("/")
        self.changed = self._changed()
        self.feed_id = f"{base}/feed.atom" if base else f"urn:anlan:{self.pack.id}:bulletin"
        self._atom("feed.atom", told, self.pack.title)
        self._keep("warnings.geojson", self._lists(self.board.in_force), self._geojson, feeds.GEOJSON_TYPE)
        for language in LANGUAGES:
            self._calendar(f"{language}/warnings.ics", language, told, self.pack.title)
        for place, ids in self.board.places.items():
            here, name = place_file(place), place_name(self.pack, place, self.now)
            found = [self.board.bulletins[one] for one in (*ids, *self.board.lifted_at[place])]
            self._atom(f"place/{here}.atom", found, name, here)
            for language in LANGUAGES:
                self._calendar(f"{language}/place/{here}.ics", language, found, name)
        silent = sum(status in SILENT for status in self.sources)
        self._put(
            "health.json",
            feeds.health(
                built=self.now,
                due=self.due,
                head=self.head,
                in_force=len(self.board.in_force),
                lifted=len(self.board.lifted),
                live=self.live,
                silent=silent,
                known=len(self.sources),
            ),
            feeds.JSON_TYPE,
        )

    def _atom(self, path: str, found: Iterable[Bulletin], title: Text, here: str = "") -> None:
        base = self.settings.address.rstrip("/")
        id = f"{self.feed_id}#{here}" if here else self.feed_id
        root = f"{base}/" if base else "../" * path.count("/")
        self_link = f"{base}/{path}" if base else path.rpartition("/")[2]

        def make() -> bytes:
            both = f"{title.en} / {title.zh}"
            return feeds.atom(found, id=id, title=both, now=self.changed, root=root, self_link=self_link)

        self._keep(path, (self._lists(found), title, self.changed), make, feeds.ATOM_TYPE)

    def _geojson(self) -> bytes:
        names = {
            place: place_name(self.pack, place, self.now)
            for b in self.board.in_force
            for place in b.warning.places
        }
        return feeds.geojson(self.board.in_force, names, now=self.changed)

    def _calendar(self, path: str, language: str, found: Iterable[Bulletin], name: Text) -> None:
        base = self.settings.address.rstrip("/")
        link = f"{base}/{language}/warning/{{name}}.html" if base else ""

        def make() -> bytes:
            sender = self.settings.sender
            return feeds.calendar(found, language, name=name.in_(language), link=link, sender=sender)

        self._keep(path, (self._lists(found), name), make, feeds.CALENDAR_TYPE)

    def _changed(self) -> datetime:
        """When the feeds last changed: a message came or its time was over. Not when they were built: a feed
        that says the same is the same bytes."""
        known = self.board.bulletins.values()
        ends = [b.warning.expires for b in known if b.warning.expires <= self.now]
        day = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return max([*(b.sent for b in known), *ends], default=day)

    def _keep(self, path: str, key: tuple[object, ...], make: Callable[[], bytes], kind: str) -> None:
        """A file without an age: the earlier edition's own while what it is made of stays."""
        whole = (self.pack.digest, self.changed, key)
        self.made[path] = whole
        old = self.old.get(path)
        if old is not None and self.made_before.get(path) == whole:
            self.files[path] = old
        else:
            self._put(path, make(), kind)

    def _put(self, path: str, content: bytes, kind: str) -> None:
        old = self.old.get(path)
        if old is not None and old.content == content:
            self.files[path] = old
            return
        # the smallest gain that is worth another representation
        packed = gzip.compress(content, 6, mtime=0) if len(content) > 256 else None
        packed = packed if packed is not None and len(packed) < 0.9 * len(content) else None
        self.files[path] = File(content, kind, packed, hashlib.sha256(content).hexdigest()[:24])
