"""One message looked at from every side: can it be read, is it valid, which rules does it break, and
where on the ground is it meant for?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

from anlan.formats.cap.blocks import Block, blocks, valid_blocks
from anlan.formats.cap.conform import conform, version_of
from anlan.formats.cap.enveloped import SIGNATURE, signature_faults
from anlan.formats.cap.fault import CapFault
from anlan.formats.cap.gazetteer import Gazetteer
from anlan.formats.cap.geometry import Looked, sound_rings
from anlan.formats.cap.ground import Allowance, Ground, area_ground, plain_outcome, union, worst
from anlan.formats.cap.limits import MAX_TEXT, UNLIMITED
from anlan.formats.cap.message import CapAlert
from anlan.formats.cap.model import alert_of
from anlan.formats.cap.plain import blocks_again, look_over
from anlan.formats.cap.profiles import check_profile
from anlan.formats.cap.profiles.canada import CODE as CANADIAN
from anlan.formats.cap.rules import check_rules
from anlan.formats.cap.schema import XMLDSIG
from anlan.formats.cap.secure import follows, parse, refuse_depth
from anlan.formats.cap.times import judge_time
from anlan.formats.cap.tricks import may_trick
from anlan.formats.cap.xsd import refusal, validate
from anlan.model.errors import BadInput, Hostile

_DSIG = f"{{{XMLDSIG}}}"
_BLOCKING = attrgetter("blocking")
_LIMIT = "a plain CAP message within the limits"


class Examination:
    """What was found in one document.

    `version` is empty for what is no CAP; `valid` by the schema of that version; `findings` schema faults
    first, then in the order of the document; `signatures` how many enveloped signatures stand in it.
    `identifier` and `sender` are as written, empty where there are none.
    """

    __slots__ = (
        "_alert",
        "_blocks",
        "_looked",
        "_odd",
        "_raw",
        "_rings",
        "_worst",
        "findings",
        "readable",
        "signatures",
        "valid",
        "version",
    )

    def __init__(
        self,
        raw: bytes,
        version: str,
        valid: bool,
        blocks: Block | None,
        findings: Sequence[CapFault],
        signatures: int = 0,
        rings: Mapping[str, str | None] | None = None,
        looked: Mapping[str, Looked] | None = None,
        worst: str | None = None,
        odd: Sequence[Block] = (),
    ) -> None:
        """`rings` are verdicts on polygons, as far as they are known. `blocks` is None for a plain message:
        they are taken from its bytes when they are asked for. Of such a one `worst` is the worst outcome of
        its areas but for those in `odd`, or empty."""
        self._raw = raw
        self._blocks = blocks
        self._rings = rings or {}
        self._looked = looked or {}
        self._alert: CapAlert | None = None
        self._worst = worst
        self._odd = odd
        self.version = version
        self.valid = valid
        self.findings = tuple(findings)
        self.signatures = signatures
        #: True where the message can be used in spite of its findings
        self.readable = True not in map(_BLOCKING, self.findings)

    @property
    def blocks(self) -> Block:
        """What the document says, text by text."""
        if self._blocks is None:
            self._blocks = blocks_again(self._raw) or _parsed(self._raw).blocks
        return self._blocks

    @property
    def identifier(self) -> str:
        """As written, blanks around it taken off."""
        return str(self.blocks.get("identifier", ("",))[0]).strip()

    @property
    def sender(self) -> str:
        """As written, blanks around it taken off."""
        return str(self.blocks.get("sender", ("",))[0]).strip()

    @property
    def publishable(self) -> bool:
        """True where nothing is broken that nobody may publish."""
        return not any(fault.bars for fault in self.findings)

    @property
    def alert(self) -> CapAlert | None:
        """The message as values; None where it is not readable. Built when first asked for."""
        if self._alert is None and self.readable:
            alert = alert_of(self.blocks, self.version, self.signatures)
            object.__setattr__(alert, "faults", self.findings)
            object.__setattr__(alert, "raw", self._raw)
            self._alert = alert
        return self._alert

    def grounds(self, gazetteer: Gazetteer | None = None) -> tuple[tuple[Ground, ...], ...]:
        """Where each area of each info is meant, geocodes by the gazetteer as of the day of sending."""
        sent = self.blocks.get("sent")
        instant = judge_time(sent[0].strip(), True).instant if sent else None
        day = None if instant is None else instant.date()
        # the Canadian profile: polygon and circle are the more exact shape, not a part of a union
        drawn_only = any(code.strip().startswith(CANADIAN) for code in self.blocks.get("code", ()))
        allowance = Allowance()
        if self._worst is not None:
            # the pass over its bytes told the verdicts of some polygons alone
            texts = [text for text in _polygons(self.blocks) if text not in self._rings]
            if texts:
                self._rings = {**self._rings, **dict(zip(texts, sound_rings(texts), strict=True))}
        return tuple(
            tuple(
                self._area(area, f"alert/info[{number}]/area[{place}]", allowance, gazetteer, day, drawn_only)
                for place, area in enumerate(info.get("area", ()), 1)
            )
            for number, info in enumerate(self.blocks.get("info", ()), 1)
        )

    def _area(
        self,
        area: Block,
        path: str,
        allowance: Allowance,
        gazetteer: Gazetteer | None = None,
        day: date | None = None,
        drawn_only: bool = False,
    ) -> Ground:
        return area_ground(
            area.get("polygon", ()),
            area.get("circle", ()),
            area.get("geocode", ()),
            path,
            sound=self._rings,
            gazetteer=gazetteer,
            day=day,
            drawn_only=drawn_only,
            allowance=allowance,
            looked=self._looked,
        )

    def ground(self, gazetteer: Gazetteer | None = None) -> Ground:
        """Where the whole message is meant: the union of its areas, as well known as the worst of them."""
        if gazetteer is not None:
            return union([ground for grounds in self.grounds(gazetteer) for ground in grounds])
        # the outcome alone is what is asked of most messages
        return Ground(worst(self._outcomes()), take=self._whole)

    def _whole(self) -> Ground:
        return union([ground for grounds in self.grounds() for ground in grounds])

    def _outcomes(self) -> set[str]:
        """The outcomes of the areas, without a gazetteer."""
        if self._worst is None:
            found, odd = self._plain_outcomes()
        else:
            found, odd = {self._worst} - {""}, list(self._odd)
        if odd:
            allowance = Allowance()
            found.update(self._area(area, "", allowance).outcome for area in odd)
        return found

    def _plain_outcomes(self) -> tuple[set[str], list[Block]]:
        """The outcomes of the areas with nothing odd about them, and the others."""
        found: set[str] = set()
        odd: list[Block] = []
        rings, none = self._rings, ()
        for info in self.blocks.get("info", none):
            for area in info.get("area", none):
                get = area.get
                outcome = plain_outcome(
                    get("polygon", none), get("circle", none), get("geocode", none), rings
                )
                if outcome:
                    found.add(outcome)
                else:
                    odd.append(area)
        return found, odd

    def hindrances(self, gazetteer: Gazetteer | None = None) -> list[CapFault]:
        """What keeps the message from being published: the findings that bar it, and every area whose
        ground is not known."""
        found = [fault for fault in self.findings if fault.bars]
        for grounds in self.grounds(gazetteer):
            for ground in grounds:
                if ground.outcome == "unresolved":
                    told = "; ".join(f"{record.code}: {record.found}" for record in ground.records)
                    path = ground.records[0].path if ground.records else "alert/info/area"
                    expected = "an area whose ground is known"
                    found.append(CapFault(path, "S-unresolved", told[:200], expected, False, False))
        return found


def examine(raw: bytes, profiles: Sequence[str] = ()) -> Examination:
    """Everything about a document, as received; never raises for a bad one. `profiles` are names of
    `anlan.formats.cap.profiles.PROFILES` whose rules are checked besides those of CAP (KeyError for
    another name)."""
    return _plainly(raw, profiles) or _parsed(raw, profiles)


def _plainly(raw: bytes, profiles: Sequence[str]) -> Examination | None:
    """A plain message, by its bytes; None for any other."""
    found = look_over(raw)
    if found is None:
        return None
    faults = [*found.signed, *found.findings.faults] if found.signed else found.findings.faults
    rings, looked = found.findings.rings, found.findings.looked
    told = Examination(
        raw, found.version, True, None, faults, found.signatures, rings, looked, found.worst, found.odd
    )
    if profiles:
        faults = [*faults, *(fault for profile in profiles for fault in check_profile(profile, told.blocks))]
        told.findings = tuple(faults)
        told.readable = True not in map(_BLOCKING, faults)
    return told


def _parsed(raw: bytes, profiles: Sequence[str] = ()) -> Examination:
    """Any document, by a tree of it: what `_plainly` takes comes to the same."""
    try:
        root = parse(raw, deep=True)
        version, namespace, faults = version_of(root)
        valid = bool(version and namespace) and validate(root, version)
        if not valid:
            refuse_depth(root)
    except Hostile as error:
        rule = "S-no-dtd" if error.found == "DOCTYPE" else "S-size"
        # the schema knows no size: a document that is too large may well be valid by it
        fault = CapFault("(document)", rule, error.sentence(), _LIMIT, schema=rule == "S-no-dtd")
        return Examination(raw, "", False, {}, (fault,))
    except BadInput as error:
        found = error.found or error.message
        broken = [CapFault("(document)", "X-wellformed", found, "well-formed XML")]
        if "Entity '" in found:
            broken.append(CapFault("(document)", "X-entities", found, "the character itself", False))
        return Examination(raw, "", False, {}, broken)
    return _examined(raw, root, version, namespace, faults, valid, profiles)


def examine_tree(root: Any, raw: bytes, profiles: Sequence[str] = ()) -> Examination:
    """The same for a tree that `anlan.formats.cap.secure.parse` gave."""
    version, namespace, faults = version_of(root)
    valid = bool(version and namespace) and validate(root, version)
    return _examined(raw, root, version, namespace, faults, valid, profiles)


def _examined(
    raw: bytes,
    root: Any,
    version: str,
    namespace: str,
    faults: list[CapFault],
    valid: bool,
    profiles: Sequence[str],
) -> Examination:
    if faults and faults[0].rule == "X-root":
        return Examination(raw, "", False, {}, faults)
    prefix = f"{{{namespace}}}" if namespace else ""
    taken = version or "1.2"
    if valid:
        found = valid_blocks(root, prefix, version)
    else:
        found = blocks(root, prefix, taken)
        faults += _refused(root, taken, namespace, known=bool(version and namespace))
    signatures = root.findall(SIGNATURE)
    if signatures:
        found["Signature"] = ["signed"] * len(signatures)
        # libxml2 takes one that stands before an info, where the schema has them last
        behind = next((one for one in map(_next, signatures) if not one.startswith(_DSIG)), "")
        if valid and behind:
            told = f"a signature before {behind.rpartition('}')[2]}"
            expected = "signatures behind the last info"
            faults.append(CapFault("alert/Signature", "X-order", told, expected, False, False))
    if len(raw) > MAX_TEXT and _may_be_long(raw):
        faults += _oversize(root)
    if signatures:
        faults += signature_faults(signatures)
    findings = check_rules(found, taken, plain=not may_trick(raw))
    faults += findings.faults
    for profile in profiles:
        faults += check_profile(profile, found)
    return Examination(raw, version, valid, found, faults, len(signatures), findings.rings, findings.looked)


def _next(signature: Any) -> str:
    """The tag of the element behind it; a signature's own for the last."""
    behind = signature.getnext()
    return SIGNATURE if behind is None else str(behind.tag)


def _polygons(blocks: Block) -> Iterator[str]:
    for info in blocks.get("info", ()):
        for area in info.get("area", ()):
            yield from area.get("polygon", ())


def _refused(root: Any, version: str, namespace: str, known: bool) -> list[CapFault]:
    """What the schema refuses: one fault X-xsd for the message, then each by its own rule."""
    told = refusal(version) if known else ""
    faults = conform(root, version, namespace)
    if known:
        faults.insert(0, CapFault("alert", "X-xsd", told, "a message valid by its schema", True, False))
    elif faults:
        found = f"{len(faults)} faults"
        faults.insert(0, CapFault("alert", "X-xsd", found, "a message valid by its schema", True, False))
    return faults


def _may_be_long(raw: bytes) -> bool:
    """True where a text may be longer than it may be: of a document without comments and the like, in an
    encoding that has markup as in ASCII, no text has more characters than there are bytes up to the next
    tag."""
    if b"\x00" in raw[:8] or follows(raw, b"<", b"!") or raw.find(b"<?", 1) > 0:
        return True
    return max(map(len, raw.split(b"<"))) > MAX_TEXT


def _oversize(root: Any) -> list[CapFault]:
    found = []
    for element in root.iter():
        text = element.text
        if text is not None and len(text) > MAX_TEXT:
            name = element.tag.rpartition("}")[2]
            if name not in UNLIMITED and not element.tag.startswith(f"{{{XMLDSIG}}}"):
                size, most = f"{len(text)} characters", f"at most {MAX_TEXT}"
                found.append(CapFault(name, "S-size", size, most, schema=False))
    return found
