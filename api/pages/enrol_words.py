"""What is said while somebody is enrolled at the gate's own camera: on the screen there, and to whoever leads it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from api.pages.screen_words import REASONS, Look, Said
from api.sittings import Looked
from enroll.sitting import MOST, Prompt, Sitting
from gate.errors import Sentence, together
from gate.fleet.cameras import Answer
from gate.vocabulary import Reason

_ENROLLED = Sentence("Your enrolment")
_PHOTO = Sentence("A photo of you is taken")
_OFFICE = Sentence("Please ask the office")

# To whoever stands there; of an unfit face what helps at any time.
AT_THE_GATE: dict[Prompt, Said] = {
    Prompt.BEGINS: Said(Look.ENROL, "enrol", _ENROLLED, Sentence("Please look at the camera")),
    Prompt.STRAIGHT: Said(Look.ENROL, "eye", Sentence("Look at the camera"), _ENROLLED),
    Prompt.LEFT: Said(Look.ENROL, "turn_left", Sentence("Turn a little left"), _ENROLLED),
    Prompt.RIGHT: Said(Look.ENROL, "turn_right", Sentence("Turn a little right"), _ENROLLED),
    Prompt.HOLD: Said(Look.ENROL, "still", Sentence("Please hold still"), _PHOTO),
    Prompt.NOBODY: Said(Look.ENROL, "closer", Sentence("Come to the camera"), _ENROLLED),
    Prompt.ALONE: Said(Look.ENROL, "one", Sentence("One at a time, please"), Sentence("Only one at the camera")),
    Prompt.ANOTHER: Said(Look.ENROL, "queue", Sentence("Somebody else's turn"), Sentence("Please step aside")),
    Prompt.NO_PICTURE: Said(Look.ENROL, "hourglass", Sentence("A moment, please"), Sentence("No picture just now")),
    Prompt.ENOUGH: Said(Look.ENROL, "tick", Sentence("Thank you, done"), Sentence("The office does the rest")),
    Prompt.GAVE_UP: Said(Look.ENROL, "again", Sentence("Photos are missing"), _OFFICE),
    Prompt.TOO_LATE: Said(Look.ENROL, "hourglass", Sentence("No photo was taken"), _OFFICE),
    Prompt.LOST: Said(Look.ENROL, "no_camera", Sentence("No picture just now"), _OFFICE),
    Prompt.CANCELLED: Said(Look.ENROL, "cross", Sentence("Enrolment cancelled"), _OFFICE),
}

# To whoever leads it.
AT_THE_DESK: dict[Prompt, Sentence] = {
    Prompt.BEGINS: Sentence("The screen at the gate tells them. It begins in {seconds} s."),
    Prompt.STRAIGHT: Sentence("They should look straight at the camera."),
    Prompt.LEFT: Sentence("They should turn slightly to their left."),
    Prompt.RIGHT: Sentence("They should turn slightly to their right."),
    Prompt.HOLD: Sentence("They should hold still: a photo is taken in {seconds} s."),
    Prompt.NOBODY: Sentence("Nobody stands before the gate's camera."),
    Prompt.ALONE: Sentence("Several people are in view, and nothing is taken: one may stay, the others step back."),
    Prompt.ANOTHER: Sentence("This is another person than on the photos before: nothing is taken of them."),
    Prompt.NO_PICTURE: Sentence("The gate's camera gives no picture now: nothing is taken."),
    Prompt.ENOUGH: Sentence("That is enough: press Enrol, or remove a photo to take another."),
    Prompt.GAVE_UP: Sentence(
        "It has ended, and photos are missing ({missing} of {asked}). Begin again, or press Enrol with what there is."
    ),
    Prompt.LOST: Sentence(
        "It has ended: the gate's camera gives no picture, and photos are missing ({missing} of {asked}). Begin again"
        " when it is back, or use another way."
    ),
    Prompt.TOO_LATE: Sentence("No good photo came about within a minute. Begin again, or use another way."),
}


# After that, where a photo shows somebody who is enrolled.
_LOOK_FIRST = Sentence("Before you press Enrol, look whose face it is: that stands beside the photo.")
# While the prompt is one of these, all is as it should be.
_GOOD = (Prompt.BEGINS, Prompt.STRAIGHT, Prompt.LEFT, Prompt.RIGHT, Prompt.HOLD, Prompt.ENOUGH)


@dataclass(frozen=True, slots=True)
class Guidance:
    """What whoever leads it is told, from this gate's camera or another's; the fields are those of `Looked`."""

    prompt: Prompt
    reason: Reason | None
    pixels: int
    left_s: float
    missing: int
    over: bool
    is_somebodys: bool

    @classmethod
    def here(cls, seen: Looked) -> Self:
        """Of a look at this gate's camera."""
        sitting = seen.sitting
        return cls(
            sitting.prompt, sitting.reason, seen.pixels, sitting.left_s or 0, sitting.missing, sitting.over,
            seen.is_somebodys,
        )  # fmt: skip

    @classmethod
    def far(cls, seen: Answer) -> Self:
        """Of a look at another's; what its version says and this one does not know is a face that is unfit."""
        prompt = Prompt(seen.prompt) if seen.prompt in set(Prompt) else Prompt.UNFIT
        reason = Reason(seen.reason) if seen.reason in set(Reason) else None
        return cls(prompt, reason, seen.pixels, seen.left_s or 0, seen.missing, seen.over, seen.is_somebodys)

    @property
    def good(self) -> bool:
        """Whether all is as it should be."""
        return self.prompt in _GOOD and not self.is_somebodys

    @property
    def words(self) -> Sentence:
        """The sentence for the page."""
        told = AT_THE_DESK.get(self.prompt) or self._advice() or AT_THE_DESK[Prompt.NOBODY]
        gaps = {"seconds": math.ceil(self.left_s), "missing": self.missing, "asked": MOST}
        said = Sentence(told.pattern, **told.values | gaps)
        return together([said, _LOOK_FIRST]) if self.is_somebodys else said

    def _advice(self) -> Sentence | None:
        """What would help an unfit face."""
        from enroll.checks import ADVICE

        advice = ADVICE.get(self.reason) if self.reason is not None else None
        return advice and Sentence(advice.pattern, photo=Sentence("The picture"), pixels=self.pixels)


def said_at_the_gate(sitting: Sitting) -> Said:
    """What the screen says of it."""
    if sitting.prompt is Prompt.UNFIT:
        helps = REASONS[sitting.reason or Reason.NO_FACE]
        return replace(helps, look=Look.ENROL)
    return AT_THE_GATE[sitting.prompt]
