"""What a centre asks of the camera of a gate that follows it, and what it is answered, while it enrols there.

A question goes from the console of the centre to its program, over the line to the gate's link, and from there to the
gate's own console, which asks its camera; the answer goes back the same way, and is in memory alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gate.processes.wire import MAX_ANSWER

MOST_ASKED, MOST_ANSWERED = 8192, 2 * MAX_ANSWER
"""How long a question and an answer may be on the line, bytes."""
# To open the models, and to make templates of photos, takes a slow board seconds.
_WITHIN_S, _AT_LEISURE_S = 9.0, 30.0
# At each of three stations whoever asks waits a little longer than whoever answers.
_STATION_S = 0.5
# A head comes every ten seconds, and may be on its way.
_HEADS = 2
_NONCE_BYTES = 16
_MOST_REMEMBERED = 1000


class Asks(StrEnum):
    """What can be asked of a gate's camera."""

    BEGIN = "begin"
    LOOK = "look"
    REMOVE = "remove"
    TAKE = "take"
    END = "end"


class Not(StrEnum):
    """Why there is nothing to be answered."""

    TAKEN = "taken"
    """Somebody else enrols at that gate now."""
    OVER = "over"
    """It was ended, or nobody had asked for a while."""
    NO_CAMERA = "no_camera"
    NOT_THEIRS = "not_theirs"
    """The face is not that of the resident it is for."""
    UNFIT = "unfit"
    """Nothing can be made of the photos."""
    FAILED = "failed"
    """Something there must be mended first; its log says what."""
    SILENT = "silent"
    """The gate does not answer, or what it answers is not to be believed."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `by` is who asks, as the centre's record names them, and `name` what they are called."""

    asks: Asks
    by: str
    name: str
    key: str = ""
    """Of which enrolment it is, as the gate called it when it began."""
    number: int = 0
    """The last photo that is known, or the one that goes."""
    resident: str = ""
    """The id of whoever gets more templates; empty: somebody new."""
    sent: bool = False
    """Whether they are enrolled from the photos that there are."""

    @property
    def within_s(self) -> float:
        """How long the gate's own console may take."""
        return _AT_LEISURE_S if self.asks in (Asks.BEGIN, Asks.TAKE) else _WITHIN_S

    @property
    def over_the_line_s(self) -> float:
        """How long the centre's program waits for the gate."""
        return self.within_s + _STATION_S

    @property
    def in_all_s(self) -> float:
        """How long the centre's console waits for its program."""
        return self.within_s + 2 * _STATION_S


@dataclass(frozen=True, slots=True)
class AtGate:
    """A question with the id of the gate that it is for, as the centre's console gives it to the centre's program."""

    gate: str
    question: Question


@dataclass(frozen=True, slots=True)
class Alike:
    """The id of somebody whom a face is like; `likeness` is a word of `enroll.duplicates.Likeness`."""

    resident: str
    likeness: str


@dataclass(frozen=True, slots=True)
class SentTemplate:
    """A template, as `gate.store.people.templates.Template`; `quality` is JSON."""

    model: str
    quality: str
    vector: bytes = field(repr=False)
    second_model: str | None = None
    second_vector: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Photographed:
    """A photo that was taken: its face as a small JPEG, and what is made of it where that was asked for. The photo
    itself stays at the gate."""

    number: int
    portrait: bytes = field(repr=False)
    template: SentTemplate | None = None
    alike: tuple[Alike, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered. `prompt` and `reason` are words of `enroll.sitting.Prompt` and `gate.vocabulary.Reason`; texts
    here, so that those of a gate of another version are passed over."""

    why_not: Not | None = None
    who: str = ""
    """Who enrols there, where somebody else does."""
    key: str = ""
    prompt: str = ""
    reason: str | None = None
    pixels: int = 0
    """Between the eyes of a face that is too small."""
    left_s: float | None = None
    missing: int = 0
    over: bool = False
    jpeg: bytes | None = field(default=None, repr=False)
    """What the camera sees; None while it sees nothing, and where there are photos to be told of."""
    age_s: float = 0.0
    """How old that was when it was answered."""
    photos: tuple[Photographed, ...] = ()
    is_somebodys: bool = False
    """Whether any of all photos shows somebody who is enrolled, once it is over."""


SILENT = Answer(why_not=Not.SILENT)


class Asked:
    """Which questions a gate has been asked: each is answered once, and none that was asked long ago, whoever held it
    back on the way."""

    def __init__(self) -> None:
        self._ticks: dict[bytes, int] = {}

    def is_new(self, nonce: bytes, tick: int, heard: int | None) -> bool:
        """Whether a question is to be answered that was drawn this `nonce`, after the centre had said the head of this
        `tick`; `heard` is the tick of the last head that came here, None before one has."""
        if heard is None or len(nonce) != _NONCE_BYTES or tick < heard - _HEADS:
            return False
        self._ticks = {one: at for one, at in self._ticks.items() if at >= heard - _HEADS}
        if nonce in self._ticks or len(self._ticks) >= _MOST_REMEMBERED:
            return False
        self._ticks[nonce] = tick
        return True
