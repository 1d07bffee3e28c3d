"""A quarantined item tried again, with the pack as it is now."""

from __future__ import annotations

from anlan.app.desk import RunningDesk
from anlan.model.errors import NotFound
from anlan.sources.push.source import pushed


def retry(desk: RunningDesk, id: str) -> tuple[int, str]:
    """(observations taken in, the sentence why not). What was pushed is read as it was then, whatever kind
    its source is. The item is marked released where it was used,
    retried where it is still refused; it is never removed. Its `known` stays what it was."""
    lake = desk.house.lake
    item = lake.held(id)
    if item.source not in desk.pack.sources:
        raise NotFound("its source is not in the pack any more", where=id, found=item.source)
    if item.content_type:
        push = pushed(desk.pack.sources[item.source])
        batch = push.read(push.whole(item), item.ref, item.known, desk.pack, item.content_type)
    else:
        source = desk.house.source(item.source)
        batch = source.parse(source.whole(item), item.ref, item.known, desk.pack)
    if not batch.observations or batch.quarantined:
        lake.mark_retried(id)
        return 0, batch.quarantined[0].sentence if batch.quarantined else "nothing usable in it"
    result = desk.take((batch,))
    lake.mark_released(id)
    return result.accepted + result.repeated, ""
