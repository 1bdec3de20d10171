"""Photos at the gate: one person's, each after seconds in which they stood as asked."""

import numpy as np
import pytest

from enroll.sitting import Face, Prompt, Seen, begin, look, remove
from gate.vocabulary import Reason

ONE, OTHER = np.eye(2, dtype=np.float32)
STRAIGHT, LEFT, RIGHT = 0.0, 0.3, -0.3


def seen(yaw=STRAIGHT, who=ONE, sharpness=50.0, jpeg=b"jpeg"):
    return Seen(jpeg, Face(np.zeros((112, 112, 3), np.uint8), who, yaw, sharpness))


def unfit(reason):
    return Seen(b"jpeg", reason=reason)


def after(*looks, every_s=0.5, start=3.1):
    """A sitting begun at 0 after these looks, and the time of the last."""
    sitting, now = begin(0.0), start
    for one in looks:
        sitting = look(sitting, one, now)
        now += every_s
    return sitting, now - every_s


def took(sitting):
    return [one.pose for one in sitting.taken]


def test_nothing_is_taken_before_whoever_stands_there_read_what_begins():
    sitting = begin(0.0)
    for now in (0.1, 1.0, 2.0, 2.9):
        sitting = look(sitting, seen(), now)
        assert (sitting.prompt, sitting.taken) == (Prompt.BEGINS, ())
    assert sitting.left_s == pytest.approx(0.1)


def test_three_poses_are_asked_for_one_after_the_other_each_held():
    sitting, _ = after(*[seen()] * 3)
    assert (sitting.prompt, sitting.left_s, took(sitting)) == (Prompt.HOLD, pytest.approx(0.5), [])
    sitting, _ = after(*[seen()] * 4)
    assert (sitting.prompt, took(sitting)) == (Prompt.LEFT, [Prompt.STRAIGHT])
    sitting, _ = after(*[seen()] * 6)
    assert (sitting.prompt, took(sitting)) == (Prompt.LEFT, [Prompt.STRAIGHT])
    sitting, _ = after(*[seen()] * 4, *[seen(LEFT)] * 4, *[seen(RIGHT)] * 4)
    assert took(sitting) == [Prompt.STRAIGHT, Prompt.LEFT, Prompt.RIGHT]
    assert (sitting.prompt, sitting.over) == (Prompt.ENOUGH, True)
    assert look(sitting, seen(), 99.0) == sitting


def test_the_sharpest_of_those_held_is_taken():
    looks = [seen(sharpness=sharpness, jpeg=str(sharpness).encode()) for sharpness in (40.0, 90.0, 60.0, 50.0)]
    sitting, _ = after(*looks)
    assert [one.jpeg for one in sitting.taken] == [b"90.0"]


@pytest.mark.parametrize(
    ("between", "prompt"),
    [
        (None, Prompt.NO_PICTURE),
        (unfit(Reason.NO_FACE), Prompt.NOBODY),
        (unfit(Reason.SEVERAL_FACES), Prompt.ALONE),
        (unfit(Reason.TOO_DARK), Prompt.UNFIT),
        (seen(LEFT), Prompt.STRAIGHT),
    ],
)
def test_whatever_comes_between_begins_the_holding_anew(between, prompt):
    sitting, now = after(*[seen()] * 3, between)
    assert (sitting.prompt, sitting.taken) == (prompt, ())
    assert look(sitting, seen(), now + 0.5).prompt is Prompt.HOLD
    sitting, _ = after(*[seen()] * 3, between, *[seen()] * 3)
    assert took(sitting) == []
    sitting, _ = after(*[seen()] * 3, between, *[seen()] * 4)
    assert took(sitting) == [Prompt.STRAIGHT]


def test_somebody_who_takes_their_place_while_it_is_held_is_counted_for_themselves():
    sitting, _ = after(*[seen()] * 3, *[seen(who=OTHER)] * 3)
    assert took(sitting) == []
    sitting, _ = after(*[seen()] * 3, *[seen(who=OTHER)] * 4)
    assert [one.face.template.tolist() for one in sitting.taken] == [OTHER.tolist()]


def test_of_another_person_than_on_the_photos_before_nothing_is_taken():
    sitting, _ = after(*[seen()] * 4, *[seen(LEFT, OTHER)] * 8)
    assert (sitting.prompt, took(sitting)) == (Prompt.ANOTHER, [Prompt.STRAIGHT])
    # The first one was the wrong one: without it, it begins with whoever is there.
    begun = look(remove(sitting, 1, 10.0), seen(who=OTHER), 10.1)
    assert (begun.prompt, begun.taken) == (Prompt.HOLD, ())


def test_a_photo_removed_is_asked_for_again_under_another_number():
    sitting, now = after(*[seen()] * 4, *[seen(LEFT)] * 4)
    sitting = remove(sitting, 1, now)
    for step in range(1, 5):
        sitting = look(sitting, seen(), now + step / 2)
    assert [(one.number, one.pose) for one in sitting.taken] == [(2, Prompt.LEFT), (3, Prompt.STRAIGHT)]


def test_somebody_who_does_not_turn_is_enrolled_from_what_there_is_and_without_anybody_it_ends():
    sitting, _ = after(*[seen()] * 29)
    assert (sitting.prompt, took(sitting), sitting.missing) == (Prompt.GAVE_UP, [Prompt.STRAIGHT], 2)
    sitting, _ = after(*[unfit(Reason.NO_FACE)] * 115)
    assert (sitting.prompt, sitting.over) == (Prompt.TOO_LATE, True)
