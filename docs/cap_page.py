"""The page of the rules of CAP, from the tables that the check reads."""

from __future__ import annotations

from surfaces import NOTE

from anlan.formats.cap.profiles import PROFILES
from anlan.formats.cap.rulebook import Rule, own_rules, profile_rules, rules

USES = {
    "finding": "the check of one message",
    "reading": "the reader takes it so; there is nothing to break",
    "together": "shows across messages",
    "signature": "the verification of signatures",
    "relay": "whoever passes a message on",
    "writer": "the writer",
    "document": "the check of the feed, wrapper or notification",
    "person": "people: no machine can tell",
}


def _table(found: list[Rule], section: bool) -> list[str]:
    heading = "| rule | level | section | looked at by | bars publishing | what it asks | 要求 |"
    lines = [heading, "|---|---|---|---|---|---|---|"]
    if not section:
        lines = [heading.replace(" section |", ""), "|---|---|---|---|---|---|"]
    for rule in found:
        place = f" {rule.section} |" if section else ""
        bars = "yes" if rule.bars else ""
        words = f"{rule.en} | {rule.zh}".replace("<", "&lt;")
        lines.append(f"| `{rule.name}` | {rule.level} |{place} {USES[rule.use]} | {bars} | {words} |")
    return lines


def rules_page() -> str:
    """Every rule of CAP and of its profiles."""
    profiles = ", ".join(f"`{name}` ({', '.join(told)})" for name, (told, _) in PROFILES.items())
    lines = [
        NOTE,
        "# Rules of CAP\n",
        "Every rule of the Common Alerting Protocol 1.0, 1.1 and 1.2 that anlan knows, with its level, the "
        "section of CAP 1.2, and who looks at it. A finding carries the rule's name. How messages are read, "
        "and how well the findings agree with others', is told in [Reading CAP](cap.md).\n",
        "## CAP\n",
        *_table(list(rules().values()), True),
        "\n## Rules of the reader\n",
        "Limits that protect the service, and texts that play tricks.\n",
        *_table(list(own_rules().values()), False),
        "\n## Profiles\n",
        f"Profiles of `anlan cap check --profile`: {profiles}.\n",
    ]
    by_profile: dict[str, list[Rule]] = {}
    for rule in profile_rules().values():
        by_profile.setdefault(rule.profile, []).append(rule)
    for name, found in by_profile.items():
        lines += [f"\n### {name}\n", *_table(found, False)]
    return "\n".join(lines)
