"""What changed since the last handover, drawn together as the board does: one line a card.

A storm writes a row for every gust. Whoever takes a shift over asks what became of the storm: which levels
came and went, which messages were written and sent. So the entries of the journal that belong to the risks of
one card stand behind one line, newest first; what belongs to no risk stands by its subject. Nothing is left
out: the entries themselves open behind the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.assessment import Assessment
from anlan.model.entry import Entry
from anlan.model.finding import Finding
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.warn.group import Card, cards
from anlan.web.thread import Line, line

#: an assessment that only took a finding in says no more than the finding
FOLLOWING = ("assessment.updated", "assessment.noted")


@dataclass(frozen=True, slots=True)
class Changed:
    """One line: the `card` (None for what belongs to no risk), its entries in words, newest first, the
    `noun` and the `risk` of each, and `counts`: by noun, how many there are of each (family, status) for the
    catalogue, the newest first."""

    card: Card | None
    lines: tuple[Line, ...]
    nouns: tuple[str, ...]
    risks: tuple[str, ...]
    counts: tuple[tuple[str, tuple[tuple[str, str, int], ...]], ...]

    @property
    def newest(self) -> datetime:
        """When the last of them was written."""
        return self.lines[0].at


def drawn_together(
    entries: Iterable[Entry], state: State, pack: Pack, visible: Callable[[str], bool], now: datetime
) -> list[Changed]:
    """The lines of `entries` (in order of the journal, all of which may be read), the one that changed last
    first. A risk at a place that is not `visible` is not named: what is told of it stands by itself."""
    listed = list(entries)
    threads = {
        seq: risk
        for seq, risk in _threads(listed, state).items()
        if risk in state.assessments and visible(state.assessments[risk].place)
    }
    risks = {risk: state.assessments[risk] for risk in threads.values()}
    by_risk = {risk: card for card in cards(risks.values(), state, pack, now) for risk in card.risks}
    groups: dict[str, list[Entry]] = {}
    found: dict[str, Card] = {}
    for entry in reversed(listed):
        card = by_risk.get(threads.get(entry.seq, ""))
        key = card.id if card is not None else f"{entry.kind.partition('.')[0]}\n{entry.subject}"
        groups.setdefault(key, []).append(entry)
        if card is not None:
            found[key] = card
    return [_changed(found.get(key), own, threads, pack) for key, own in groups.items()]


def _changed(card: Card | None, own: list[Entry], threads: dict[int, str], pack: Pack) -> Changed:
    lines = tuple(line(entry, pack) for entry in own)
    nouns = tuple(entry.kind.partition(".")[0] for entry in own)
    told = [entry.kind not in FOLLOWING for entry in own]
    counted = Counter(
        (noun, one.family, one.status)
        for noun, one, tells in zip(nouns, lines, told, strict=True)
        if tells or not any(told)
    )
    return Changed(
        card,
        lines,
        nouns,
        tuple(threads.get(entry.seq, "") for entry in own),
        tuple(
            (noun, tuple((family, status, n) for (of, family, status), n in counted.items() if of == noun))
            for noun in dict.fromkeys(noun for noun, _, _ in counted)
        ),
    )


def _threads(entries: Iterable[Entry], state: State) -> dict[int, str]:
    """Number of an entry -> the risk that it belongs to. A finding's row names none: the thread took it in
    afterwards, or a split has moved it since."""
    wanted = {entry.subject for entry in entries if isinstance(entry.value, Finding)}
    held = {
        finding: risk.id
        for risk in (state.assessments.values() if wanted else ())
        for finding in risk.findings
        if finding in wanted
    }
    found = {}
    for entry in entries:
        risk = entry.risk or held.get(entry.subject, "")
        if not risk and isinstance(entry.value, Assessment):
            risk = entry.subject
        if risk:
            found[entry.seq] = risk
    return found
