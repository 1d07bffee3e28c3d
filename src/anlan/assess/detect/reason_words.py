"""Why a detector answers as it does, in words."""

from __future__ import annotations

from anlan.assess.detect.panel import Reason
from anlan.model.text import Text

#: why the answer is what it is
REASONS = {
    Reason.OK: Text("worked out as described", "按方法正常计算"),
    Reason.MISSING_VALUE: Text(
        "a value that the answer hangs on is missing",
        "判断所需的数值缺失",
    ),
    Reason.TOO_FEW_HISTORY: Text("too little history to compare with", "可供比较的历史数据不足"),
    Reason.TOO_FEW_CASES: Text(
        "too few cases in the last periods for an alarm",
        "近期病例太少，不足以报警",
    ),
    Reason.NO_CONVERGENCE: Text(
        "the regression did not converge; a pooled rate stands in",
        "回归未收敛；以合并率代替",
    ),
    Reason.NO_CASES_IN_SEASON: Text(
        "no case at this season in past years; half a case stands in",
        "往年同季无病例；以半例代替",
    ),
    Reason.NO_BOUND: Text("the bound cannot be worked out", "无法计算阈值"),
    Reason.INVALID_VALUE: Text(
        "the value is not of its kind: not finite, beyond any measure, or a negative count",
        "数值无效：非有限数、超出任何可能的量级，或计数为负",
    ),
    Reason.NO_POPULATION: Text("the denominator is missing or not above zero", "分母缺失或不大于零"),
    Reason.RESTARTED: Text(
        "a sum over time was broken off by a missing value and begins anew",
        "累积量因缺失值中断，重新开始",
    ),
    Reason.NO_SPREAD: Text(
        "the history did not vary: any spread is a guess",
        "历史数据没有变化：离散程度只能推测",
    ),
    Reason.SHORT_MEMORY: Text(
        "too few years for seasons: the answer rests on the last periods alone",
        "年数不足以判断季节性：仅依据最近各期",
    ),
}


def reason_words(reason: int) -> Text:
    """The words of a reason, by its number; its plain name where it has none (a detector of another
    distribution may bring its own)."""
    known = Reason(reason)
    plain = known.name.lower().replace("_", " ")
    return REASONS.get(known, Text(plain, plain))
