"""What the register says of a resident, pass, schedule, area, group or holiday, and of what was revoked, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gate.store.people.uses import Use


class RegisterKind(StrEnum):
    """What an entry of the register is about."""

    RESIDENT = "resident"
    SCHEDULE = "schedule"
    AREA = "area"
    GROUP = "group"
    HOLIDAY = "holiday"
    PASS = "pass"  # noqa: S105 - what a visitor shows
    REVOCATION = "revocation"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Which of two entries is the newer one: a later epoch of the register, and within it the higher number."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """A consent as it was given; `gate.store.people.consents` says what each field is."""

    id: str
    text: str
    language: str
    sha256: str
    way: str
    guardian: str | None
    recorded_by: str
    given_at: str
    withdrawn_at: str | None


@dataclass(frozen=True, slots=True)
class TemplateEntry:
    """A template of an enrolment; `quality` is JSON."""

    id: str
    model: str
    source: str
    quality: str
    vector: bytes = field(repr=False)
    created_at: str
    second_model: str | None = None
    second_vector: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CredentialEntry:
    """A PIN, a rolling code, a card or a code of a pass, by what every door of the compound finds it by."""

    id: str
    kind: str
    finder: bytes = field(repr=False)
    duress: bool
    flat: str | None
    label: str | None
    made_at: str
    suspended_at: str | None


@dataclass(frozen=True, slots=True)
class ResidentEntry:
    """A resident with all that a gate needs to let them in. Schedule, group and area are named by their ids."""

    id: str
    name: str
    unit: str | None
    created_at: str
    extended: bool
    schedule: str | None
    group: str | None
    valid_from: str | None
    valid_until: str | None
    valid_until_set_on: str | None
    consents: tuple[ConsentEntry, ...]
    templates: tuple[TemplateEntry, ...]
    credentials: tuple[CredentialEntry, ...]
    area: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """A schedule; `windows` None: it is gone."""

    id: str
    name: str = ""
    windows: str | None = None


@dataclass(frozen=True, slots=True)
class AreaEntry:
    """An area, with the names of its gates by their ids; `name` None: it is gone."""

    id: str
    name: str | None = None
    gates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """A group; `name` None: it is gone."""

    id: str
    name: str | None = None
    schedule: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class HolidayEntry:
    """A holiday; `name` None: it is gone."""

    id: str
    name: str | None = None
    first_day: str = ""
    last_day: str = ""
    schedule: str | None = None
    windows: str | None = None


@dataclass(frozen=True, slots=True)
class PassEntry:
    """A pass with its two codes and all uses of it that are known. `gate.store.people.passes` says what the other
    fields are; host and schedule are named by their ids."""

    id: str
    name: str = field(repr=False)
    host: str | None
    unit: str | None
    flat: str | None
    valid_from: str
    valid_until: str
    schedule: str | None
    uses: int
    lasts_s: int | None
    made_at: str
    codes: tuple[CredentialEntry, ...]
    spent: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class RevocationEntry:
    """What opens nothing from now on, by its id: a resident, a template, a consent, a PIN, a card or a pass, or a card
    that is lost (its id and `/suspended`). `over`: a lost card was found again, which is all that ever comes back.
    `erased`: nothing of it is kept at the centre; a pass is taken back first, and erased with whom they visit.
    `person`: it may be a resident, as far as the centre knows; a centre of an earlier version says so of all."""

    id: str
    over: bool = False
    erased: bool = False
    person: bool = True


Entry = ResidentEntry | ScheduleEntry | AreaEntry | GroupEntry | HolidayEntry | PassEntry | RevocationEntry

COMMON = "common"
"""The id of the key for what is about nobody."""
OWN_KEYS = frozenset((RegisterKind.RESIDENT, RegisterKind.PASS))
"""What is about somebody has a key of its own, which is destroyed with it."""
SUSPENDED = "/suspended"
"""Behind the id of a card that is lost."""
