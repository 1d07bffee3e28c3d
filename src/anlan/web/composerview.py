"""What an author and an approver see beside the words of a message: whom it reaches, how it reads, what each
channel shows, and who may issue it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from anlan.model.entry import Entry
from anlan.model.errors import AnlanError
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.reason import Reason
from anlan.model.text import LANGUAGES, Text
from anlan.model.warning import Warning
from anlan.ports.desk import Desk, Shown
from anlan.warn.area import area
from anlan.warn.budgets import BUDGETS
from anlan.warn.compose import longest
from anlan.warn.issuer import Issuing, issuing
from anlan.warn.plain import Remark, eight_contents, remarks
from anlan.warn.reach import Reach, reach
from anlan.warn.simplify import Simplified, simplify
from anlan.web.reachview import ground_remarks, sent_to

#: matches of a search for a place that are listed
MATCHES = 12


@dataclass(frozen=True, slots=True)
class Channel:
    """What a channel's budget of points makes of the area: `added` ground in km², and whom that reaches."""

    name: str
    simplified: Simplified
    reach: Reach


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything beside the words. `reach` None where the area comes to no ground, for the reasons given;
    `channels` what each bounded channel reaches beyond it."""

    warning: Warning
    reach: Reach | None
    no_reach: tuple[Reason, ...]
    channels: tuple[Channel, ...]
    remarks: tuple[Remark, ...]
    contents: tuple[tuple[str, bool], ...]
    shown: Sequence[Shown]
    issuing: Issuing


def sight(warning: Warning, desk: Desk, place: str = "") -> Sight:
    """What is to be seen of a message as it stands; `place` of its risk where that is not open yet."""
    now = warning.sent or desk.clock.now()
    reached, reasons, channels = _reach(warning, desk, now)
    return Sight(
        warning,
        reached,
        reasons,
        channels,
        (
            *ground_remarks(warning, desk, place, now),
            *remarks(warning, _colours(desk.pack, now)),
            *_area_words(warning, desk.pack),
            *_profiles(warning, desk),
        ),
        eight_contents(warning),
        desk.shown(warning),
        issuing(warning.organ, warning.hazard, warning.level, warning.places, desk.pack, now),
    )


def _colours(pack: Pack, at: datetime) -> dict[int, Text]:
    """What the levels in force are called."""
    return {one.level: one.colour for one in pack.warning_levels if one.validity.covers(at.date())}


def _profiles(warning: Warning, desk: Desk) -> Iterator[Remark]:
    """What keeps it from being approved under the profiles of CAP."""
    for told in desk.unmet(warning):
        yield Remark("profile_unmet", "profile", "", told)


def _area_words(warning: Warning, pack: Pack) -> tuple[Remark, ...]:
    """That the words of the area name a whole place where it was drawn, or a place that is not warned: people
    read the words."""
    said, warned = warning.contents.area, () if warning.rings else warning.places
    names = [(id, versions[-1].name) for id, versions in pack.places.items()]
    whole = Text("the area was drawn, its words name a whole place", "区域为手绘，文字却是整个地点的名称")
    other = Text("its words name a place that is not warned", "文字所称地点不在预警范围内")
    return tuple(
        Remark("area_words", "area", language, whole if warning.rings else other)
        for language in LANGUAGES
        if (of := {id for id, name in names if name.in_(language) == said.in_(language)})
        and of.isdisjoint(warned)
    )


def _reach(
    warning: Warning, desk: Desk, now: datetime
) -> tuple[Reach | None, tuple[Reason, ...], tuple[Channel, ...]]:
    pack = desk.pack
    drawing = drawing_of(warning)
    try:
        found = area(pack, now, drawing=drawing, places=() if drawing else warning.places)
    except AnlanError:
        return None, (), ()
    if found.unresolved or found.shape.is_empty:
        return None, found.reasons, ()
    to = sent_to(warning, desk, now)
    channels = []
    for name in ("cap", "cell_broadcast", "wea"):
        budget = BUDGETS[name]
        sent = simplify(found.shape, budget)
        beyond = reach(
            found, pack, pack.recipients, now, sent=sent.shape, margin_km=budget.overshoot_km, told=to
        )
        channels.append(Channel(name, sent, beyond))
    return reach(found, pack, pack.recipients, now, told=to), found.reasons, tuple(channels)


def drawing_of(warning: Warning) -> dict[str, object] | None:
    """The area drawn by hand as GeoJSON; None where the places are the area."""
    if not warning.rings:
        return None
    return {"type": "MultiPolygon", "coordinates": [[[list(at) for at in ring]] for ring in warning.rings]}


def drawing_text(warning: Warning) -> str:
    """The same as a form holds it: pairs of latitude,longitude for one ring, GeoJSON for several."""
    if len(warning.rings) == 1:
        return " ".join(f"{lat!r},{lon!r}" for lon, lat in warning.rings[0])
    found = drawing_of(warning)
    return json.dumps(found) if found else ""


def form_of(warning: Warning) -> dict[str, str]:
    """A message as the fields of the composer's form; instants in UTC, to the second."""
    contents = warning.contents
    form = {
        "level": str(warning.level),
        "starts": f"{contents.starts:%Y-%m-%dT%H:%M:%S}",
        "expires": f"{warning.expires:%Y-%m-%dT%H:%M:%S}",
        "places": " ".join(warning.places),
        "drawing": drawing_text(warning),
    }
    texts = {
        "headline": warning.headline,
        "matters": contents.matters,
        "measures": contents.measures,
        "area": contents.area,
    }
    for name, said in texts.items():
        for language in LANGUAGES:
            form[f"{name}_{language}"] = said.in_(language)
    return form


def search_places(words: str, pack: Pack, now: datetime) -> list[Place]:
    """Places in force whose name in either language, code or id holds the words, nearest to the top of the
    tree first."""
    wanted = words.strip().casefold()
    if not wanted:
        return []
    found: list[tuple[int, str, Place]] = []
    for id, versions in pack.places.items():
        place = next((one for one in reversed(versions) if one.validity.covers(now.date())), None)
        if place is None:
            continue
        if wanted in place.name.en.casefold() or wanted in place.name.zh or wanted in id.casefold():
            rank = pack.place_levels[place.level].rank if place.level in pack.place_levels else 9
            found.append((rank, id, place))
    return [place for _, _, place in sorted(found, key=lambda one: one[:2])[:MATCHES]]


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a message from one version to the next, as runs of (same, taken out, put in)."""

    field: str
    runs: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a message: who made it when, and what they changed."""

    entry: Entry
    warning: Warning
    changes: tuple[Change, ...]


def versions_of(entries: Iterable[Entry]) -> list[Version]:
    """The drafts and edits of a message, oldest first, each with what it changed."""
    found: list[Version] = []
    for entry in entries:
        if entry.kind not in ("warning.drafted", "warning.edited") or not isinstance(entry.value, Warning):
            continue
        before = found[-1].warning if found else None
        found.append(Version(entry, entry.value, changes_between(before, entry.value) if before else ()))
    return found


def changes_between(before: Warning, after: Warning) -> tuple[Change, ...]:
    """The fields that differ, in the order of the form."""
    old, new = form_of(before), form_of(after)
    return tuple(Change(name, _runs(old[name], new[name])) for name in new if old[name] != new[name])


def _runs(old: str, new: str) -> tuple[tuple[str, str, str], ...]:
    a, b = _pieces(old), _pieces(new)
    runs = []
    for what, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        taken, put = "".join(a[i:j]), "".join(b[k:m])
        runs.append((taken, "", "") if what == "equal" else ("", taken, put))
    return tuple(runs)


def _pieces(text: str) -> list[str]:
    """Words with the blanks after them; Chinese by the character."""
    pieces: list[str] = []
    for sign in text:
        joins = pieces and sign.isascii() and pieces[-1][-1].isascii() and not pieces[-1][-1].isspace()
        if joins or (pieces and sign.isspace()):
            pieces[-1] += sign
        else:
            pieces.append(sign)
    return pieces


def longest_of(warning: Warning, pack: Pack) -> float:
    """Hours for which a warning of the hazard can plausibly be in force."""
    plan = pack.plans[warning.plan]
    return longest(warning.hazard, plan, pack).total_seconds() / 3600
