"""A CAP message as frozen values (OASIS CAP 1.2, section 3.2). Field order is that of the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from anlan.formats.cap.fault import CapFault

DEFAULT_LANGUAGE = "en-US"


@dataclass(frozen=True, slots=True)
class CapPair:
    """A valueName and its value (eventCode, parameter, geocode)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CapReference:
    """An earlier message. `sent` is kept as it was written: the three strings together are the name
    of that message. An item that is not of the form sender,identifier,sent stands whole in
    `identifier`, the other two empty (the fault A-references-format says so)."""

    sender: str
    identifier: str
    sent: str


@dataclass(frozen=True, slots=True)
class CapResource:
    """`size` in bytes, None where not stated; `deref_uri` is base64 content; `digest` SHA-1, hex."""

    description: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class CapArea:
    """`polygons` and `circles` are kept as written ("lat,lon lat,lon ..." and "lat,lon km");
    `anlan.formats.cap.geometry` reads them. `altitude`, `ceiling`: feet above mean sea level."""

    description: str
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[CapPair, ...] = ()
    altitude: Decimal | None = None
    ceiling: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CapInfo:
    """One information block, in one language. Instants are zone-aware with the offset as sent; an
    optional text that is absent is the empty string."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = DEFAULT_LANGUAGE
    response_types: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[CapPair, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[CapPair, ...] = ()
    resources: tuple[CapResource, ...] = ()
    areas: tuple[CapArea, ...] = ()


@dataclass(frozen=True, slots=True)
class CapAlert:
    """One message. `version` is 1.0, 1.1 or 1.2. `scope` is empty only in 1.0, where it is optional.
    `raw` holds the bytes as received, `faults` what is wrong with a message that can be used all the
    same, `signatures` the number of enveloped XML signatures, none of them verified here; these
    three do not count in comparisons."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[CapReference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[CapInfo, ...] = ()
    version: str = "1.2"
    signatures: int = field(default=0, compare=False)
    faults: tuple[CapFault, ...] = field(default=(), compare=False)
    raw: bytes = field(default=b"", compare=False, repr=False)
