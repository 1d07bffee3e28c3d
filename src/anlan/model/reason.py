"""Named reasons: why something was done, left undone, or refused."""

from __future__ import annotations

from dataclasses import dataclass

from anlan.model.errors import InvalidValue
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Reason:
    """`code` is stable and documented (docs/reference/reasons.md); `text` is what people read;
    `basis` cites the law, rule or plan where there is one."""

    code: str
    text: Text
    basis: str = ""

    def __post_init__(self) -> None:
        if not self.code or not self.code.replace("_", "").isalnum():
            raise InvalidValue(
                "a reason code is letters, digits and _", where="reason.code", found=repr(self.code)
            )
