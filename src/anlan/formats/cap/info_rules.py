"""Rules over the elements of one info (CAP 1.2, section 3.2.2), without its resources and areas."""

from __future__ import annotations

from datetime import datetime

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.codes import pairs_of
from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import ABSOLUTE, BLANKS, Findings, first_of
from anlan.formats.cap.limits import MAX_HEADLINE
from anlan.formats.cap.times import judge_time
from anlan.formats.cap.tricks import words

_READ = (
    "event", "audience", "senderName", "headline", "description", "instruction", "contact",
)  # fmt: skip


def check_info(info: Block, path: str, alert: Block, sent: datetime | None, findings: Findings) -> None:
    """`alert` is the message, `sent` its instant of sending."""
    add, get = findings.add, info.get
    if "event" in info and not info["event"][0].strip():
        add(f"{path}/event", "I-event-required", "nothing", "the event in words")
    language = get("language")
    if language is not None and not language[0].strip(BLANKS):
        add(f"{path}/language", "I-language-empty", "nothing", "no element at all")
    responses = get("responseType", ())
    if "Assess" in responses and first_of(alert, "scope") == "Public":
        add(f"{path}/responseType", "I-assess-public", "'Assess'", "another response for the public")
    if "Execute" in responses and not first_of(info, "instruction").strip():
        executes(path, findings)
    if findings.version == "1.0" and first_of(info, "certainty") == "Very Likely":
        add(f"{path}/certainty", "I-very-likely", "'Very Likely'", "Likely")
    times: dict[str, datetime | None] = {}
    for name in ("effective", "onset", "expires"):
        texts = get(name)
        if texts is not None:
            reading = judge_time(texts[0].strip(BLANKS), findings.strict)
            times[name] = reading.instant
            if reading.broken:
                findings.time(f"{path}/{name}", texts[0])
    expires = times.get("expires")
    if "expires" not in times:
        add(f"{path}/expires", "I-expires-absent", "nothing", "when the message is over")
    elif expires is not None:
        if sent is not None and expires <= sent:
            add(f"{path}/expires", "I-expires-after-sent", info["expires"][0], f"after {alert['sent'][0]}")
        effective = times.get("effective")
        if effective is not None and expires <= effective:
            add(
                f"{path}/expires",
                "I-expires-after-effective",
                info["expires"][0],
                f"after {info['effective'][0]}",
            )
    if not findings.plain:
        actual = first_of(alert, "status").strip(BLANKS) == "Actual"
        for name in _READ:
            for text in get(name, ()):
                if text:
                    words(f"{path}/{name}", text, findings, actual)
    headline = first_of(info, "headline")
    if len(headline) > MAX_HEADLINE:
        add(f"{path}/headline", "I-headline-160", f"{len(headline)} characters", f"about {MAX_HEADLINE}")
    web = get("web")
    if web is not None and not ABSOLUTE.fullmatch(web[0].strip(BLANKS)):
        add(f"{path}/web", "I-web-absolute", shown(web[0]), "an absolute URI")
    for name in ("eventCode", "parameter"):
        pairs = get(name)
        if pairs is not None:
            pairs_of(pairs, path, name, "I-pair", findings)


def executes(path: str, findings: Findings) -> None:
    """An info with the response Execute that does not say what is to be done."""
    findings.add(f"{path}/instruction", "I-execute-instruction", "nothing", "the planned activity")
