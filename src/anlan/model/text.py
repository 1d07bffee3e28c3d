"""A sentence in both languages of the product."""

from __future__ import annotations

from dataclasses import dataclass

from anlan.model.errors import InvalidValue

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """The same sentence in English and in Chinese (zh-CN); neither may be empty."""

    en: str
    zh: str

    def __post_init__(self) -> None:
        if not self.en.strip() or not self.zh.strip():
            raise InvalidValue(
                "a text needs both languages", where="text", found=f"en={self.en!r} zh={self.zh!r}"
            )

    def in_(self, language: str) -> str:
        """The sentence in `language` ("en", or "zh" in any of its regional forms)."""
        return self.zh if language.lower().startswith("zh") else self.en
