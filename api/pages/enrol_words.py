"""What is said while somebody is enrolled at the gate's own camera: on the screen there, and to whoever leads it."""

from __future__ import annotations

from dataclasses import replace

from api.pages.screen_words import REASONS, Look, Said
from enroll.sitting import Prompt, Sitting
from gate.errors import Sentence
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
LOOK_FIRST = Sentence("Before you press Enrol, look whose face it is: that stands beside the photo.")


def said_at_the_gate(sitting: Sitting) -> Said:
    """What the screen says of it."""
    if sitting.prompt is Prompt.UNFIT:
        helps = REASONS[sitting.reason or Reason.NO_FACE]
        return replace(helps, look=Look.ENROL)
    return AT_THE_GATE[sitting.prompt]
