"""How a basis cites: `<law id>#<article number>`, several separated by semicolons."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anlan.model.errors import Fault
from anlan.model.time import Validity
from anlan.packs.definitions import Resolved
from anlan.packs.documents import Origin

_CITATION = re.compile(r"([^\s#;]+)#(\S[^;]*)")


@dataclass(frozen=True, slots=True)
class Citation:
    """One article, or a whole law where `article` is empty."""

    law: str
    article: str


def citations(basis: str) -> tuple[Citation, ...]:
    """The citations in a basis; words without `#` (a paper, a method) are none."""
    return tuple(
        Citation(match[1], match[2].strip())
        for part in basis.split(";")
        if (match := _CITATION.fullmatch(part.strip()))
    )


def check_basis(
    resolved: Resolved,
    origin: Origin,
    keys: tuple[str | int, ...],
    basis: str,
    validity: Validity | None = None,
    *,
    must_cite: bool = False,
) -> list[Fault]:
    """Faults of one basis: nothing there, a law or article that does not exist, a law not in force
    throughout `validity`, or, where `must_cite`, no article at all."""
    if not basis.strip():
        return [origin.fault("no basis", *keys, expected="<law id>#<article number>")]
    cited = citations(basis)
    if not cited and must_cite and not resolved.knows("laws", basis):
        return [
            origin.fault(
                "the basis cites no article", *keys, found=basis, expected="<law id>#<article number>"
            )
        ]
    faults: list[Fault] = []
    for citation in cited or ((Citation(basis, ""),) if basis in resolved.pack.laws else ()):
        law = resolved.pack.laws.get(citation.law)
        if law is None:
            if not resolved.knows("laws", citation.law):
                faults.append(
                    origin.fault(
                        "no such law", *keys, found=repr(citation.law), expected="the id of laws/*.toml"
                    )
                )
            continue
        numbers = {article.number for article in law.articles}
        if citation.article and numbers and citation.article not in numbers:
            faults.append(
                origin.fault(
                    f"{law.id} has no such article in this pack",
                    *keys,
                    found=repr(citation.article),
                    expected=f"one of {', '.join(sorted(numbers, key=_number)[:40])}",
                )
            )
        if validity is not None and not covers(law.validity, validity):
            faults.append(
                origin.fault(
                    "the law is not in force throughout",
                    *keys,
                    found=f"{spell(validity)}, resting on {law.id} ({spell(law.validity)})",
                    expected="dates within those of the law",
                )
            )
    return faults


def cites_article(resolved: Resolved, basis: str) -> bool:
    """True when a basis cites a law this pack knows."""
    return any(resolved.knows("laws", citation.law) for citation in citations(basis))


def _number(article: str) -> tuple[int, str]:
    digits = re.match(r"\d{1,9}", article)
    return (int(digits[0]) if digits else 10**9, article)


def covers(outer: Validity, inner: Validity) -> bool:
    """True when every date of `inner` is one of `outer`."""
    begins = outer.since is None or (inner.since is not None and outer.since <= inner.since)
    ends = outer.until is None or (inner.until is not None and inner.until <= outer.until)
    return begins and ends


def spell(validity: Validity) -> str:
    """`2024-11-01 to open`"""
    return f"{validity.since or 'ever'} to {validity.until or 'open'}"
