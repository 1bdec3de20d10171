"""Who stays before the gate, and who comes together: real faces walking up, and the door's own rules."""

from dataclasses import dataclass
from functools import partial
from itertools import count, pairwise

import av
import numpy as np
import pytest

from evaluate.demo.walkup import FPS, HEIGHT, WIDTH, Scene, footage, walker_from
from gate.config import Settings
from gate.door.controller import Controller
from gate.door.settings import DoorSettings
from gate.door.states import Event
from gate.errors import Refusal
from gate.replay import VideoRelay, known_in_footage, replay
from gate.store.people import residents
from gate.store.people.consents import NO_PERSON
from gate.vision.camera import Camera
from gate.vision.gallery import judging
from gate.vision.recogniser import Recogniser
from gate.vision.recording_clock import forward
from gate.vision.recordings import video_frames
from gate.vision.retry import DoorNews
from gate.vision.settings import CameraSettings, VisionSettings
from gate.vision.sources import Source
from gate.vocabulary import Frame, Reason
from tests.enrolling import enrol_photos


def stands(photo, models, seconds, seed=5):
    """Somebody walks up and stays."""
    return footage([Scene(walker_from(photo, models.detector), seconds)], seed)


@pytest.fixture(scope="module")
def staying(models, photos):
    """A man who walks up, and stays for eight seconds in all."""
    return list(stands(photos / "obama2.jpg", models, 8.0))


def side_by_side(photos, models, seconds):
    """Several walk up together, in one picture."""
    width = WIDTH // len(photos)
    left = (WIDTH - width) // 2
    each = [stands(photo, models, seconds, seed) for seed, photo in enumerate(photos, start=5)]
    return (np.hstack([image[:, left : left + width] for image in images]) for images in zip(*each, strict=True))


@pytest.fixture
def obama(store, models, photos):
    return enrol_photos(store, models, "Barack Obama", [photos / "obama.jpg"], consent=NO_PERSON).resident


@pytest.fixture
def run(models, store):
    """The pipeline over some frames."""

    def go(frames, **settings):
        stream = ((number / FPS, image) for number, image in enumerate(frames))
        known = partial(residents.get, store)
        return replay(stream, models, judging(store, models).gallery, known, Settings(**settings), "walk")

    return go


def test_a_resident_who_stays_is_let_in_again_as_often_as_the_gate_comes_to_rest(run, obama, staying):
    outcome = run(staying, door={"pulse_s": 1.0, "min_interval_s": 1.0})
    assert {p.kind for p in outcome.passages} == {"granted"}, "nobody is refused meanwhile"
    times = [p.t for p in outcome.passages]
    assert outcome.relay_pulses == len(times) >= 3
    apart = np.diff(times)
    assert apart.min() >= 2.0, "never while the pulse runs or the gate settles"
    assert apart.max() <= 2.0 + 1.5, "and then soon"


@dataclass
class At:
    """What is told to the door at a second of the footage."""

    second: float
    event: Event


@pytest.mark.parametrize(
    ("happens", "claims"),
    [
        ((), 3),
        ((At(2.5, Event.OPENED), At(4.0, Event.SHUT)), 1),
        ((At(0.0, Event.LOCKDOWN), At(5.0, Event.LOCKDOWN_OVER), At(7.0, Event.OPENED)), 2),
    ],
)
def test_whoever_went_through_is_not_asked_again_and_whoever_waits_makes_no_noise(
    obama, models, store, staying, happens, claims
):
    settings = DoorSettings(pulse_s=2.0, min_interval_s=1.0, contact_pin=6)
    gallery, coming = judging(store, models).gallery, list(happens)
    record, made = [], []
    controller = Controller(settings, VideoRelay(settings), record.append)
    recogniser = Recogniser(models, VisionSettings(liveness="off"), partial(next, map(str, count())))
    for number, image in enumerate(staying):
        now = number / FPS
        while coming and coming[0].second <= now:
            controller.tell(coming.pop(0).event, now)
        controller.tick(now)
        if recogniser.awaits_door:
            recogniser.hear(DoorNews(controller.at_rest(now), frozenset(controller.taken)))
        for claim in recogniser.see(Frame(image, "c", now), gallery):
            verdict, _ = controller.claim(claim, known_in_footage(claim, partial(residents.get, store)), now)
            recogniser.answered(claim, verdict.reason, verdict.along or (claim.id if verdict.granted else None))
            made.append(claim)
    controller.stop(now)
    assert len(made) == claims
    assert sum(event.kind == "granted" for event in record) == sum(event.kind == "passage" for event in record)


def usable(people, models, store, wanted):
    """Photos to walk up on, of people enrolled from another, and of one who is not."""
    found = []
    for person in people:
        enrolled, shown, *_ = sorted(person.glob("*.jpg"))
        try:
            if len(found) < wanted:
                enrol_photos(store, models, person.name, [enrolled], consent=NO_PERSON)
        except Refusal:
            continue
        found.append(shown)
        if len(found) == wanted + 1:
            return found
    pytest.skip("../shared/faces/lfw is not whole")


def test_three_residents_and_a_stranger_come_together(run, shared, models, store):
    people = [person for person in sorted((shared / "faces" / "lfw").iterdir()) if len(list(person.iterdir())) >= 5]
    *home, stranger = usable(people, models, store, 3)
    outcome = run(side_by_side([*home[:2], stranger, home[2]], models, 3.0), vision={"min_eye_distance": 24})
    assert outcome.relay_pulses == 1
    kinds = [p.kind for p in outcome.passages if p.resident]
    assert kinds == ["granted", "came_along", "came_along"]
    assert {p.resident for p in outcome.passages if p.resident} == {photo.parent.name for photo in home}
    others = [p for p in outcome.passages if not p.resident]
    assert {p.reason for p in others} <= {Reason.UNKNOWN}, "nobody is busy, and the stranger stays one"
    assert others


@pytest.fixture(scope="module")
def joined(tmp_path_factory, models, photos):
    """A recording of two clips one after the other, as `cat` joins them: its time stamps run back in the middle."""
    folder = tmp_path_factory.mktemp("joined")
    path = folder / "joined.ts"
    with path.open("wb") as whole:
        for part in range(2):
            clip = folder / f"{part}.ts"
            with av.open(str(clip), "w", format="mpegts") as container:
                stream = container.add_stream("mpeg2video", rate=FPS)
                stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 6_000_000
                walker = walker_from(photos / "obama2.jpg", models.detector)
                for image in footage([Scene(walker, 2.0), Scene(None, 6.0)], 5):
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
                container.mux(stream.encode())
            whole.write(clip.read_bytes())
    return path


def test_the_second_of_two_joined_clips_is_judged_like_the_first(joined, run, obama, models, store):
    times = [seconds for seconds, _ in video_frames(joined)]
    assert any(after < before for before, after in pairwise(times)), "its time stamps run back"
    known = partial(residents.get, store)
    outcome = replay(video_frames(joined), models, judging(store, models).gallery, known, Settings(), "joined")
    first, second = outcome.passages
    assert (first.kind, second.kind, outcome.relay_pulses) == ("granted", "granted", 2)
    assert second.t == pytest.approx(first.t + 8.0, abs=0.3)


def test_a_camera_that_plays_a_joined_recording_goes_forward(joined):
    camera = Camera(Source(str(joined), True, CameraSettings(source=str(joined))))
    frames = camera._paced()
    taken = [next(frames)[0].taken_mono for _ in range(3)]
    assert taken == sorted(taken)
    camera.close()


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ([0.0, 0.1, 0.2, 0.0, 0.1], [0.0, 0.1, 0.2, 0.3, 0.4]),
        ([5.0, 4.0, 3.0], [5.0, 5.04, 5.08]),
        ([0.0, 0.0, 0.5], [0.0, 0.0, 0.5]),
        ([], []),
    ],
)
def test_time_goes_forward(given, seen):
    assert [round(seconds, 6) for seconds, _ in forward((one, None) for one in given)] == seen
