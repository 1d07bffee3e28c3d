"""How likely aftershocks are: the law of Reasenberg and Jones.

    rate(t, m) = 10^(a + b (Mm - m)) (t + c)^-p      events a day of magnitude m or more, t days after a
                                                      main shock of magnitude Mm
    P = 1 - exp(-N),  N the integral of the rate     one event or more

Reasenberg and Jones (1989), Science 243:1173-1176, equations 1 to 4; (1994), Science 265:1251-1252. Generic
values are those they gave for California (`GENERIC_CALIFORNIA`). Elsewhere sequences differ: Page et al.
(2016), BSSA 106:2290-2301, find productivities from half to several times as high by tectonic region, so
every sentence names the parameters. Once a sequence has events of its own its productivity is learnt from
them (`productivity`), b, c and p kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from anlan.assess.events.omori import decay
from anlan.model.text import Text

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReasenbergJones:
    """`a` productivity (log10), `b` of Gutenberg-Richter, `p` and `c` (days) of the decay; `named` as
    people should read where they come from."""

    a: float
    b: float
    p: float
    c: float
    named: Text

    def expected(self, main: float, at_least: float, since: float, until: float) -> float:
        """Events of magnitude `at_least` or more between `since` and `until` days after a main shock of
        magnitude `main`. ValueError for a span that is none."""
        if not 0 <= since <= until:
            raise ValueError(f"the span must run from 0 or later to a later time, found {since} to {until}")
        return float(10.0 ** (self.a + self.b * (main - at_least)) * decay(since, until, self.c, self.p))

    def probability(self, main: float, at_least: float, since: float, until: float) -> float:
        """That at least one such event comes."""
        return -math.expm1(-self.expected(main, at_least, since, until))

    def interval(
        self, main: float, at_least: float, since: float, until: float, coverage: float = 0.95
    ) -> tuple[int, int]:
        """The numbers of events that a Poisson count of this mean keeps to with `coverage`; the parameters
        are taken as they are, so the true uncertainty is larger."""
        mean = self.expected(main, at_least, since, until)
        low, high = poisson.interval(coverage, mean)
        return int(low), int(high)


GENERIC_CALIFORNIA = ReasenbergJones(
    -1.67,
    0.91,
    1.08,
    0.05,
    Text("generic values for California, Reasenberg and Jones 1989", "加州通用参数（Reasenberg–Jones 1989）"),
)


def productivity(
    law: ReasenbergJones, times: Floats, main: float, at_least: float, since: float, until: float
) -> ReasenbergJones:
    """The law with `a` from the sequence itself: the events of magnitude `at_least` or more at `times`
    (days) in `since` to `until`, b, c and p kept. ValueError where there is none: then the generic value
    is all there is."""
    number = int(((times > since) & (times <= until)).sum())
    if not number:
        raise ValueError("a sequence without an aftershock has no productivity of its own")
    a = math.log10(number / decay(since, until, law.c, law.p)) - law.b * (main - at_least)
    named = Text(
        f"productivity of this sequence ({number} events), decay: {law.named.en}",
        f"本序列产率（{number}次），衰减：{law.named.zh}",
    )
    return replace(law, a=a, named=named)


def sentence(law: ReasenbergJones, main: float, at_least: float, since: float, until: float) -> Text:
    """What is to be expected, in words: number with its interval, probability, whose parameters."""
    mean = law.expected(main, at_least, since, until)
    low, high = law.interval(main, at_least, since, until)
    chance = percent(law.probability(main, at_least, since, until))
    days = until - since
    return Text(
        f"Next {days:g} days: {mean:.1f} aftershocks of magnitude {at_least:g} or more expected "
        f"(95 %: {low} to {high}); at least one: {chance} ({law.named.en}).",
        f"今后{days:g}天：预计 {at_least:g} 级及以上余震 {mean:.1f} 次（95%：{low}–{high} 次）；"
        f"至少一次的概率：{chance}（{law.named.zh}）。",
    )


def percent(probability: float) -> str:
    """A probability as a share that promises no more than is known."""
    if probability < 0.01:
        return "< 1 %"
    if probability > 0.99:
        return "> 99 %"
    return f"{100 * probability:.0f} %"
