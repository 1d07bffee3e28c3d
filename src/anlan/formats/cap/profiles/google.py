"""Google public alerts: what the aggregator asks of its feeds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from anlan.formats.cap.blocks import Block, first
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.geometry import circle
from anlan.formats.cap.profiles.asked import an_area, an_info, areas, broken, filled, infos, referring, same
from anlan.formats.cap.times import judge_time

MAX_HEADLINE = 140


def check(alert: Block) -> Iterator[CapFault]:
    """The aggregator's rules."""
    yield from an_info(alert, "GO-info")
    yield from filled(alert, "description", "GO-description")
    yield from filled(alert, "web", "GO-web")
    for path, info in infos(alert):
        expires = judge_time(first(info, "expires"), True).instant
        starts = judge_time(first(info, "effective") or first(alert, "sent"), True).instant
        if expires is None:
            yield broken(f"{path}/expires", "GO-expires", "nothing", "when the message is over")
        elif starts is not None and expires <= starts:
            yield broken(
                f"{path}/expires", "GO-expires", first(info, "expires"), f"after {starts.isoformat()}"
            )
        headline, description = first(info, "headline"), first(info, "description")
        if not headline or len(headline) >= MAX_HEADLINE:
            yield broken(f"{path}/headline", "GO-headline", f"{len(headline)} characters", "1 to 139")
        elif headline == description:
            yield broken(f"{path}/headline", "GO-headline", shown(headline), "not the description")
        instruction = first(info, "instruction")
        if not instruction or instruction == description:
            found = shown(instruction) if instruction else "nothing"
            yield broken(f"{path}/instruction", "GO-instruction", found, "what to do, not the description")
        for name in ("urgency", "severity", "certainty"):
            if first(info, name) == "Unknown":
                yield broken(f"{path}/{name}", "GO-unknown", "'Unknown'", "a word that says something")
        for name in ("contact", "senderName", "responseType"):
            if not first(info, name):
                yield broken(f"{path}/{name}", "GO-contact", "nothing", f"a {name}")
    yield from an_area(alert, "GO-area")
    yield from _shapes(alert)
    yield from same(alert, ("category", "eventCode"), "GO-same")
    yield from referring(alert, "GO-references")
    if first(alert, "status") == "Test":
        yield broken("alert/status", "GO-test", "'Test'", "not shown")
    for (path, one), (_, other) in combinations(infos(alert), 2):
        if first(one, "language").lower() == first(other, "language").lower():
            continue
        for name in ("headline", "description", "instruction", "event"):
            if first(one, name) and first(one, name) == first(other, name):
                languages = f"{first(one, 'language')} and {first(other, 'language')}"
                yield broken(
                    f"{path}/{name}", "GO-language-copy", f"the same in {languages}", "two languages"
                )


def _shapes(alert: Block) -> Iterator[CapFault]:
    for path, area in areas(alert):
        drawn = [text for name in ("polygon", "circle") for text in area.get(name, ()) if text.strip()]
        if not drawn and not area.get("geocode"):
            yield broken(path, "GO-area", "nothing", "a circle, polygon or geocode")
        if not drawn:
            yield broken(path, "GO-shape", "no polygon and no circle", "at least one")
        for number, text in enumerate(area.get("circle", ()), 1):
            try:
                point = circle(text)[2] == 0
            except ValueError:
                continue
            if point:
                yield broken(f"{path}/circle[{number}]", "GO-shape", shown(text), "a radius above 0")
