"""A whole gate that asks whoever raises a doubt to turn the head."""

from __future__ import annotations

import pytest

from evaluate.demo.walkup import Held, Scene, footage, walker_from, write_video
from gate.store.people.consents import NO_PERSON
from tests.enrolling import enrol_photos
from tests.running import ask, gate_running, of_kind, wait_for

pytestmark = pytest.mark.whole


def test_a_photo_held_up_is_asked_to_turn_by_light_and_screen_and_opens_nothing(
    liveness_dir, state, store, models, photos, tmp_path
):
    enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON)
    walker = walker_from(photos / "obama.jpg", models.detector)
    film = tmp_path / "held.mp4"
    write_video(film, footage([Scene(None, 1.0), Scene(walker, 6.0, varied=True, held=Held.SHEET)], 5))
    with gate_running(liveness_dir, state, film, FACEGATE_VISION__LIVENESS="standard"):
        (asked, *_) = wait_for(lambda: of_kind(store, "denied"), 30, "nobody was asked")
        said = ask(state, "door", do="status")
        assert (said["signal"], said["reason"]) in {("turn_left", "asked_to_turn"), ("turn_right", "asked_to_turn")}
        assert not of_kind(store, "granted")
    assert asked.details["reason"] == "asked_to_turn"
    assert asked.personal == {}
