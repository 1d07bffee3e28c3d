"""The sentence that explains a finding, in both languages."""

from __future__ import annotations

from datetime import datetime, timedelta

from anlan.model.errors import NotFound
from anlan.model.indicator import Indicator, Rule
from anlan.model.pack import Pack
from anlan.model.text import Text

UNIT_WORDS = {
    "{case}": Text("cases", "例"),
    "{death}": Text("deaths", "人死亡"),
    "{person}": Text("persons", "人"),
    "{event}": Text("events", "起"),
    "{magnitude}": Text("magnitude", "级"),
    "USD/[bbl_us]": Text("US dollars a barrel", "美元/桶"),
    "Cel": Text("°C", "℃"),
}


def number(value: float | None) -> str:
    """At most three decimals, no trailing zeros; an en dash where there is no number."""
    if value is None:
        return "–"
    return f"{value:.3f}".rstrip("0").rstrip(".")


def level_words(pack: Pack, level: int | None, at: datetime) -> Text:
    """The colour of a level as people say it."""
    if level is None:
        return Text("no level", "无级别")
    try:
        return pack.warning_level(level, at).colour
    except NotFound:  # levels without colours at that date (history before the law that named them)
        return Text(f"level {level}", f"{level}级")


def sentence(
    pack: Pack,
    rule: Rule,
    indicator: Indicator,
    place: str,
    at: datetime,
    known: datetime,
    level: int | None,
    numbers: dict[str, float | None],
) -> Text:
    """`rule.say` with its placeholders filled: {place} {value} {unit} {expected} {threshold} {score}
    {at} {level}. A value of a day or more is named by the day of its place on which it begins."""
    name = pack.place(place, known).name
    unit = UNIT_WORDS.get(indicator.unit, Text(indicator.unit, indicator.unit))
    colour = level_words(pack, level, known)
    # half a day after its start in UTC a day has its date anywhere from UTC-12 to UTC+12
    whole_days = indicator.frequency is not None and indicator.frequency >= timedelta(days=1)
    day = at + timedelta(hours=12) if whole_days else at
    return Text(
        *(
            rule.say.in_(language).format(
                place=name.in_(language),
                unit=unit.in_(language).strip(),
                level=colour.in_(language),
                at=day.strftime("%Y-%m-%d"),
                **{key: number(value) for key, value in numbers.items()},
            )
            for language in ("en", "zh")
        )
    )
