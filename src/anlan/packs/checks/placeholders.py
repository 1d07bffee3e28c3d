"""Placeholders in public words: only those that are filled in."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

from anlan.model.errors import Fault
from anlan.model.text import LANGUAGES, Text
from anlan.packs.definitions import Resolved
from anlan.packs.documents import Origin

SAY = ("place", "value", "unit", "expected", "threshold", "score", "at", "level")
TEMPLATE = ("area", "level", "colour", "value", "unit", "hazard", "issuer", "starts", "expires", "finding")


def placeholders(text: str) -> tuple[str, ...]:
    """The names in braces, in order; ValueError for braces that do not close or are empty."""
    names = []
    for _, name, form, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise ValueError(
                f"{{{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}}}"
            )
        names.append(name)
    return tuple(names)


def _check(text: Text, allowed: tuple[str, ...], origin: Origin, *keys: str | int) -> Iterator[Fault]:
    expected = ", ".join(f"{{{name}}}" for name in allowed)
    for language in LANGUAGES:
        sentence = text.in_(language)
        try:
            unknown = [name for name in placeholders(sentence) if name not in allowed]
        except ValueError as error:
            yield origin.fault(
                "braces that hold no plain name", *keys, language, found=str(error), expected=expected
            )
            continue
        for name in unknown:
            yield origin.fault("no such placeholder", *keys, language, found=f"{{{name}}}", expected=expected)


def words(resolved: Resolved) -> Iterator[Fault]:
    """`say` of rules and the templates of plans use known placeholders in both languages."""
    for rule in resolved.items.rules:
        yield from _check(rule.value.say, SAY, rule.origin, "say")
    for plan in resolved.items.plans:
        template = plan.value.template
        for name in ("headline", "matters", "measures", "cancel", "correct"):
            if (text := getattr(template, name)) is not None:
                yield from _check(text, TEMPLATE, plan.origin, "template", name)
        for place, words in enumerate(plan.value.words):
            for name in ("headline", "matters", "measures", "cancel", "correct"):
                if (text := getattr(words, name)) is not None:
                    yield from _check(text, TEMPLATE, plan.origin, "words", place, name)
