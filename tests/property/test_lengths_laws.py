"""Whatever the text: its lengths are those of a plain count; what is chosen fits and names the whole."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from anlan.channels.texts import choose, forms
from anlan.formats.lengths import GSM7, GSM7_EXTENSION, cell_broadcast, limit, measure, sms
from anlan.testing.check_channel import sample_parcel

PARCEL = sample_parcel("desk")
WHERE = "https://warn.drill.invalid/{id}"
TEXTS = st.text(
    st.one_of(st.sampled_from("aé€[^水🌊 \n"), st.characters(exclude_categories=["Cs"])), max_size=900
)


def split(text: str, size: int) -> list[str]:
    """The text in parts, one character after the other, as a telephone would."""
    seven = all(sign in GSM7 or sign in GSM7_EXTENSION for sign in text)
    parts, room = [""], size
    for sign in text:
        width = (2 if sign in GSM7_EXTENSION else 1) if seven else len(sign.encode("utf-16-le")) // 2
        if width > room:
            parts.append("")
            room = size
        parts[-1] += sign
        room -= width
    return parts


@given(TEXTS)
def test_the_parts_of_an_sms_are_those_that_a_telephone_makes(text: str) -> None:
    length, found = measure(text), sms(text)
    whole = limit("sms", length.alphabet).limit
    part = limit("sms", f"{length.alphabet}_part").limit
    assert found.parts == (1 if length.units <= whole else len(split(text, part)))
    assert found.fits is (found.parts <= limit("sms", "parts").limit)


@given(TEXTS)
def test_a_cell_broadcast_fits_when_its_pages_do(text: str) -> None:
    length, found = measure(text), cell_broadcast(text)
    size = 93 if length.alphabet == "gsm7" else 41
    assert found.parts == len(split(text, size))
    assert found.parts >= ceil(length.units / size)
    assert found.fits is (found.parts <= 15)
    assert (found.over > 0) is not found.fits


@given(TEXTS)
def test_the_units_are_those_of_the_encodings(text: str) -> None:
    length = measure(text)
    assert length.characters == len(text)
    assert length.bytes == len(text.encode())
    if length.alphabet == "ucs2":
        assert length.units == len(text.encode("utf-16-be")) // 2
        assert set(length.outside) == {sign for sign in text if sign not in GSM7 | GSM7_EXTENSION}
    else:
        assert length.units == len(text) + sum(text.count(sign) for sign in GSM7_EXTENSION)


@given(st.integers(0, 300), st.booleans(), st.lists(st.sampled_from(["zh", "en", "zh-CN"]), max_size=3))
def test_what_is_chosen_fits_and_a_shorter_form_says_where_the_whole_is(
    most: int, repeat: bool, languages: list[str]
) -> None:
    parcel = replace(
        PARCEL,
        repeat=repeat,
        recipient=replace(PARCEL.recipient, languages=tuple(languages)),
        prefaces={"zh": "Answer!\n", "en": "Answer!\n", "zh-CN": "Answer!\n"},
    )
    every = list(forms(parcel, WHERE))
    chosen = choose(parcel, WHERE, lambda text: len(text) <= most)
    if chosen is None:
        assert all(len(form.text) > most for form in every)
        return
    assert len(chosen.text) <= most
    assert all(len(form.text) > most for form in every[: every.index(chosen)])
    if chosen.form != "full":
        assert "https://warn.drill.invalid/W-check-1" in chosen.text
        assert "Answer!" in chosen.text
        assert ("REPEATED" in chosen.text or "重发" in chosen.text) is repeat
