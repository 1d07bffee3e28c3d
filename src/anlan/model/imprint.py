"""Under what name, with which addresses and to whose rules a message was published."""

from __future__ import annotations

from dataclasses import dataclass, field

from anlan.model.time import Validity

#: elements of a CAP message that a pack gives: codes of the message, its event, its parameters and its
#: areas, and what people are asked to do
ELEMENTS = ("code", "eventCode", "parameter", "geocode", "responseType")
#: those of them that have no name
NAMELESS = ("code", "responseType")
#: what people can be asked to do (CAP 1.2, section 3.2.2). Assess is not for the public, and AllClear is said
#: when a warning is lifted
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "None")


@dataclass(frozen=True, slots=True)
class Imprint:
    """What the settings gave a message at its approval, written down so that its bytes never depend on later
    settings. `identifier`: its CAP identifier ("" for the id of the warning). `web`, `contact`: of every
    info, `{language}` standing for its language. `zone`: in which its instants are written (IANA name).
    `profiles`: of CAP, that it keeps. `english`: the tag of its English block."""

    identifier: str = ""
    web: str = ""
    contact: str = ""
    zone: str = "UTC"
    profiles: tuple[str, ...] = ()
    english: str = "en-US"


@dataclass(frozen=True, slots=True)
class CapCode:
    """A code that messages carry for those who know things by it. `element`: code, eventCode, parameter,
    geocode, or responseType (Shelter, Evacuate, Prepare, Execute, Avoid, Monitor, None; in what is not
    lifted); `value_name` is empty for code and responseType. It stands in messages of that `hazard`,
    `level` and `organ` ("" and None: of any); a geocode stands in the area of its `place`."""

    element: str
    value_name: str
    value: str
    hazard: str = ""
    level: int | None = None
    organ: str = ""
    place: str = ""
    validity: Validity = field(default_factory=Validity)
