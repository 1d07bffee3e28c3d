"""From a warning to the CAP 1.2 message that leaves: always the same bytes for the same inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import shapely

from anlan.formats.cap import CapAlert, CapArea, CapInfo, CapPair, CapReference, write
from anlan.formats.cap.times import write_time
from anlan.model.errors import InvalidValue
from anlan.model.imprint import CapCode, Imprint
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.warning import Warning
from anlan.packs.drawing import Circle
from anlan.warn.words import MARK_OF_BEFORE, description, headline, issue_time, mark, measures, zone_of

LANGUAGES = (("zh", "zh-CN"), ("en", "en-US"))
MSG_TYPES = {"alert": "Alert", "update": "Update", "cancel": "Cancel"}
PLACE_CODE = "anlan:place"

_SOON = timedelta(hours=1)
_NAMED_ONLY = "仅限预案所列接收单位 / for the recipients that the plan names only"

Ring = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class TargetArea:
    """A place warned. `rings` are its outer rings without holes, closed, each vertex (longitude,
    latitude) in WGS 84 degrees; `circle` stands for a place without an outline. Neither means that the
    geocode alone names the area."""

    place: str
    rings: tuple[Ring, ...] = ()
    circle: Circle | None = None


def render(
    warning: Warning,
    pack: Pack,
    sender: str,
    areas: Sequence[TargetArea] = (),
    *,
    earlier: Iterable[Warning] = (),
    zone: tzinfo | None = None,
    profiles: Sequence[str] = (),
    to_be_signed: bool = False,
    before: bool = False,
    until: bool = False,
) -> bytes:
    """The published bytes; arguments and errors as for `to_cap`. `profiles`: what they keep besides CAP;
    InvalidValue names every rule that they would break. `to_be_signed`: a key will sign them."""
    alert = to_cap(warning, pack, sender, areas, earlier=earlier, zone=zone, before=before, until=until)
    return write(alert, profiles, to_be_signed=to_be_signed)


def to_cap(
    warning: Warning,
    pack: Pack,
    sender: str,
    areas: Sequence[TargetArea] = (),
    *,
    earlier: Iterable[Warning] = (),
    zone: tzinfo | None = None,
    before: bool = False,
    until: bool = False,
) -> CapAlert:
    """A sent warning as a CAP message, zh-CN before en-US, instants in `zone` (by default that of its
    imprint, else UTC), with the codes of the pack. What is not Actual is watermarked, each info in its own
    language. `before`, `until`: in the words of messages approved earlier (`anlan.warn.words.lines`).

    `areas` are exactly the places warned, in any order (without any: geocodes only); `earlier` holds
    the messages of `warning.references`. InvalidValue: not sent yet, born expired, an update or cancel
    that refers to nothing, a reference not in `earlier`, areas that are not the warned places, broken
    geometry (it blocks: an area is never widened to mend it).
    """
    otherwise = zone or UTC
    zone = zone or zone_of(warning)
    sent = issue_time(warning)
    if warning.expires.replace(microsecond=0) <= sent and warning.change != "cancel":
        raise InvalidValue(
            "the warning would be over before it is sent",
            where=f"warning {warning.id}.expires",
            found=warning.expires.isoformat(),
            expected=f"after {sent.isoformat()}",
        )
    targets = () if warning.rings else _targets(warning, areas)
    restricted = warning.scope == "Restricted"
    return CapAlert(
        identifier=warning.identifier,
        sender=sender,
        sent=sent.astimezone(zone),
        status=warning.mode,
        msg_type=MSG_TYPES[warning.change],
        scope=warning.scope,
        restriction=_NAMED_ONLY if restricted else "",
        codes=tuple(one.value for one in _codes(warning, pack, "code")),
        note=_note(warning, before),
        references=_references(warning, sender, earlier, otherwise),
        incidents=(warning.risk,),
        infos=tuple(
            _info(warning, pack, targets, language, tag, zone, before, until) for language, tag in LANGUAGES
        ),
    )


def _note(warning: Warning, before: bool) -> str:
    """The mark of what is not Actual, in both languages, since a note has none of its own."""
    if warning.mode == "Actual":
        return ""
    return MARK_OF_BEFORE if before else mark(warning.mode, "en", "zh")


def _references(
    warning: Warning, sender: str, earlier: Iterable[Warning], zone: tzinfo
) -> tuple[CapReference, ...]:
    """sender,identifier,sent of every message followed, oldest first, as each was published."""
    known = {message.id: message for message in earlier}
    if warning.change != "alert" and not warning.references:
        raise InvalidValue(
            f"{warning.change} of nothing",
            where=f"warning {warning.id}.references",
            expected="the message it follows",
        )
    missing = [id for id in warning.references if id not in known]
    if missing:
        raise InvalidValue(
            "a message it follows was not given",
            where=f"warning {warning.id}.references",
            found=", ".join(missing),
        )
    return tuple(
        CapReference(
            known[id].sender or sender,
            known[id].identifier,
            write_time(issue_time(known[id]).astimezone(zone_of(known[id], zone))),
        )
        for id in warning.references
    )


def _codes(warning: Warning, pack: Pack, element: str, place: str = "") -> tuple[CapCode, ...]:
    return pack.codes(element, issue_time(warning), warning.hazard, warning.level, warning.organ, place)


def _responses(warning: Warning, pack: Pack) -> tuple[str, ...]:
    """What people are to do, as the pack has it; of what is lifted, that all is clear; of what was sent by
    mistake nothing."""
    if warning.change == "cancel":
        return () if warning.purpose == "cancel" else ("AllClear",)
    return tuple(dict.fromkeys(one.value for one in _codes(warning, pack, "responseType")))


def _pairs(codes: Iterable[CapCode]) -> tuple[CapPair, ...]:
    return tuple(CapPair(one.value_name, one.value) for one in codes)


def _info(
    warning: Warning,
    pack: Pack,
    areas: Sequence[TargetArea],
    language: str,
    tag: str,
    zone: tzinfo,
    before: bool,
    until: bool,
) -> CapInfo:
    sent = issue_time(warning)
    hazard = pack.hazards[warning.hazard]
    level = pack.warning_level(warning.level, sent)
    imprint = warning.imprint or Imprint()
    urgency, certainty = _outlook(warning.change, warning.contents.starts, sent)
    starts = warning.contents.starts.replace(microsecond=0)
    # what has begun has no onset to come, and no other instant would be true: urgency says Immediate,
    # certainty Observed, and the words say since when
    begun = "wmo" in imprint.profiles and starts < sent
    lifted = "cap-au" in imprint.profiles and warning.change == "cancel"
    return CapInfo(
        language=imprint.english if language == "en" else tag,
        categories=(hazard.cap_category,),
        event=hazard.title.in_(language),
        response_types=_responses(warning, pack),
        urgency=urgency,
        severity=level.severity,
        certainty=certainty,
        event_codes=(CapPair("anlan:hazard", hazard.id), *_pairs(_codes(warning, pack, "eventCode"))),
        effective=None if lifted else sent.astimezone(zone),
        onset=None if begun else starts.astimezone(zone),
        expires=warning.expires.replace(microsecond=0).astimezone(zone),
        sender_name=warning.contents.issuer.in_(language),
        headline=headline(warning, language, before=before),
        description=description(warning, pack, language, zone, before, until),
        instruction=measures(warning, language, before),
        web=imprint.web.replace("{language}", language),
        contact=imprint.contact,
        parameters=(
            CapPair("anlan:level", str(warning.level)),
            CapPair("anlan:colour", level.colour.in_(language)),
            CapPair("anlan:risk", warning.risk),
            CapPair("anlan:organ", warning.organ),
            CapPair("anlan:basis", warning.basis),
            *_pairs(_codes(warning, pack, "parameter")),
        ),
        areas=(_drawn(warning, language),)
        if warning.rings
        else tuple(
            _area(
                area,
                pack.place(area.place, sent).name,
                language,
                _pairs(_codes(warning, pack, "geocode", area.place)),
            )
            for area in areas
        ),
    )


def _outlook(change: str, starts: datetime, sent: datetime) -> tuple[str, str]:
    """Urgency and certainty (CAP 1.2, section 3.2.2): begun is Immediate and Observed, within the hour
    Expected, later Future, both Likely; what is lifted is Past and Unlikely."""
    if change == "cancel":
        return "Past", "Unlikely"
    if starts <= sent:
        return "Immediate", "Observed"
    return ("Expected" if starts - sent <= _SOON else "Future"), "Likely"


def _targets(warning: Warning, areas: Sequence[TargetArea]) -> tuple[TargetArea, ...]:
    """One area a place, in the order of `warning.places`: nothing wider, nothing left out."""
    by_place = {area.place: area for area in areas or [TargetArea(place) for place in warning.places]}
    if set(by_place) != set(warning.places) or len(by_place) != len(areas or warning.places):
        raise InvalidValue(
            "the areas are not the places warned",
            where=f"warning {warning.id}.places",
            found=", ".join(area.place for area in areas),
            expected=", ".join(warning.places),
        )
    return tuple(by_place[place] for place in warning.places)


def _area(area: TargetArea, name: Text, language: str, codes: tuple[CapPair, ...]) -> CapArea:
    return CapArea(
        description=name.in_(language),
        polygons=tuple(
            _polygon(ring, f"place {area.place} ring {number}") for number, ring in enumerate(area.rings, 1)
        ),
        circles=() if area.circle is None else (_circle(area.circle),),
        geocodes=(CapPair(PLACE_CODE, area.place), *codes),
    )


def _drawn(warning: Warning, language: str) -> CapArea:
    """An area drawn by hand: its polygons alone, since the code of a place would widen it."""
    return CapArea(
        description=warning.contents.area.in_(language),
        polygons=tuple(
            _polygon(ring, f"warning {warning.id} ring {number}")
            for number, ring in enumerate(warning.rings, 1)
        ),
    )


def _circle(circle: Circle) -> str:
    """CAP 1.2, section 3.2.4: the centre, latitude first, and the radius in kilometres."""
    return f"{circle.lat + 0.0:.5f},{circle.lon + 0.0:.5f} {circle.km:g}"


def _polygon(ring: Ring, where: str) -> str:
    """A ring as CAP writes it, latitude first, to 0.00001 degree (about a metre)."""
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise InvalidValue(
            "not a closed ring",
            where=where,
            found=f"{len(ring)} vertices",
            expected="four or more, last equal to first",
        )
    for lon, lat in ring:
        if not (math.isfinite(lon) and math.isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90):
            raise InvalidValue(
                "vertex out of range", where=where, found=f"{lon}, {lat}", expected="WGS 84 degrees"
            )
    if not shapely.Polygon(ring).is_valid:
        raise InvalidValue(
            "the ring crosses itself or has no area", where=where, mend="repair the outline in the pack"
        )
    # adding zero turns -0.0, which rounding makes, into 0.0
    return " ".join(f"{round(lat, 5) + 0.0:.5f},{round(lon, 5) + 0.0:.5f}" for lon, lat in ring)
