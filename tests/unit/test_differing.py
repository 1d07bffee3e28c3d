"""Two messages of one name: what is only in the one, and only in the other."""

from __future__ import annotations

from anlan.web.differing import COMPARED, TOLD, differing


def test_only_the_elements_that_differ_are_told_whatever_the_space_between_them() -> None:
    ours = "<alert>\n  <identifier>1</identifier><severity>Severe</severity> <note>a < b</note></alert>"
    theirs = "<alert><identifier>1</identifier>\n<severity>Minor</severity><note>a < b</note><scope/></alert>"
    assert differing(ours, theirs) == (
        "- <severity>Severe</severity>",
        "+ <severity>Minor</severity>",
        "+ <scope/>",
    )
    assert differing(ours, ours) == ()


def test_a_line_that_looks_like_a_heading_is_no_heading() -> None:
    assert differing("<a>\n-- x\n</a>", "<a>\n++ y\n</a>") == ("- -- x", "+ ++ y")


def test_a_long_message_is_compared_as_far_as_is_told() -> None:
    long = "".join(f"<value>{n}</value>" for n in range(3 * COMPARED))
    assert len(differing(long, long.replace("<value>", "<valve>"))) == TOLD
