"""An infrared camera beside the camera: its evidence decides, and a gate without it lets nobody in by face."""

import pytest

from evaluate.demo.walkup import Scene, footage, walker_from, write_video
from gate.care.health import gather
from gate.store.people.consents import NO_PERSON
from tests.enrolling import enrol_photos
from tests.infrared import grey
from tests.running import ask, gate_running, of_kind, wait_for

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def films(tmp_path_factory, photos, models):
    """All of one length, so that they stay together when they start again."""
    folder = tmp_path_factory.mktemp("infrared")
    someone = [Scene(None, 1.5), Scene(walker_from(photos / "obama2.jpg", models.detector), 5.5)]
    write_video(folder / "someone.mp4", footage(someone, 7))
    write_video(folder / "someone-grey.mp4", map(grey, footage(someone, 7)))
    write_video(folder / "nobody-grey.mp4", map(grey, footage([Scene(None, 7.0)], 7)))
    return folder


@pytest.fixture
def enrolled(store, models, photos):
    enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON)


def test_who_shows_in_infrared_too_is_let_in(liveness_dir, state, store, enrolled, films):
    with beside(liveness_dir, state, films / "someone.mp4", infrared=films / "someone-grey.mp4"):
        wait_for(lambda: of_kind(store, "granted"), 30, "nobody was let in")
    assert not of_kind(store, "infrared_lost")


def test_who_does_not_show_in_infrared_is_refused(liveness_dir, state, store, enrolled, films):
    with beside(liveness_dir, state, films / "someone.mp4", infrared=films / "nobody-grey.mp4"):
        (refused, *_) = wait_for(lambda: of_kind(store, "denied"), 30, "nobody was judged")
    assert refused.details["reason"] == "not_live"
    assert not of_kind(store, "granted")


def test_an_infrared_camera_that_is_gone_is_told_and_lets_nobody_in_by_face(
    liveness_dir, state, store, enrolled, films, facegate
):
    with beside(liveness_dir, state, films / "someone.mp4", infrared="97"):
        (refused, *_) = wait_for(lambda: of_kind(store, "denied"), 30, "nobody was judged")
        (lost,) = wait_for(lambda: of_kind(store, "infrared_lost"), 10, "the loss was not told")
        assert ask(state, "door", do="open")["granted"], "the other ways in stay open"
        health = gather(state, by_face=True)
        found = facegate("doctor", "--json", **asked("97")).answer["findings"]
    assert refused.details["reason"] == "fault"
    assert "The infrared camera gives no pictures: until it does, nobody is let in by face." in health.problems
    assert "cannot be opened" in lost.details["why"]
    (finding,) = (one for one in found if one["name"] == "infrared")
    assert finding["grade"] == "bad"
    assert "infrared.source" in finding["do"]


def beside(models_dir, state, camera, infrared):
    return gate_running(models_dir, state, camera, **asked(infrared))


def asked(infrared):
    return {"FACEGATE_VISION__LIVENESS": "standard", "FACEGATE_INFRARED__SOURCE": str(infrared)}
