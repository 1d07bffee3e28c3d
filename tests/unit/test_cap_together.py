"""An identifier names one message alone: used for another it is told; the same message again is not."""

from __future__ import annotations

from pathlib import Path

from anlan.formats import cap
from anlan.formats.cap.together import check_together

MESSAGE = (
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>1</identifier><sender>s</sender>'
    "<sent>2024-01-01T00:00:00-00:00</sent><status>Actual</status><msgType>Alert</msgType>"
    "<scope>Public</scope><note>first</note></alert>"
)


def test_a_name_used_for_another_message_is_told_and_the_same_message_again_is_not() -> None:
    first = cap.read(MESSAGE.encode())
    spaced = cap.read(MESSAGE.replace("><", ">\n<").encode())
    later = cap.read(MESSAGE.replace("2024-01-01", "2024-01-02").encode())
    other = cap.read(MESSAGE.replace("first", "second").encode())
    foreign = cap.read(MESSAGE.replace("<sender>s", "<sender>t").encode())
    told = check_together([first, first, spaced, later, other, foreign])
    assert [alert for alert, _ in told] == [later, other]
    assert {fault.rule for _, fault in told} == {"A-identifier-unique"}
    assert "2024-01-01" in told[0][1].found
    assert "other content" in told[1][1].found


def test_the_hostile_copy_with_other_text_is_told(shared: Path) -> None:
    folder = shared / "corpus" / "cap" / "hostile"
    alerts = [cap.read(next(folder.glob(f"{number}-*")).read_bytes()) for number in ("01", "38")]
    assert [alert for alert, _ in check_together(alerts)] == [alerts[1]]
