"""The demo, whole: three real processes on walk-up footage of real photos."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from commands.demo import demo
from evaluate.demo import story

pytestmark = pytest.mark.whole


def assert_refused_as_nobody(answer):
    """Nobody who was refused was taken for somebody; beside other tests a frame may also come too late."""
    reasons = {event["reason"] for event in answer["denied"]}
    assert {"unknown"} <= reasons <= {"unknown", "stale"}


def test_a_short_demo_lets_the_resident_in_and_not_the_stranger(models_dir, state, tmp_path, monkeypatch):
    monkeypatch.setattr(story, "_WALKS", (("obama2.jpg", 3.0), ("biden.jpg", 4.0)))
    monkeypatch.setattr(story, "_PAUSE_S", 1.0)
    monkeypatch.setattr(story, "_TIMED_FRAMES", 25)
    monkeypatch.setenv("FACEGATE_MODELS__DIR", str(models_dir))
    sheet = tmp_path / "sheet.png"
    arguments = ["--state", str(state), "--headless", "--json", "--sheet", str(sheet)]
    answer = json.loads(CliRunner().invoke(demo, arguments, standalone_mode=False).stdout.splitlines()[-1])
    assert {event["resident"] for event in answer["granted"]} == {"Barack Obama"}
    assert_refused_as_nobody(answer)
    with Image.open(sheet) as picture:
        assert picture.size[0] > 900


@pytest.mark.soak
def test_the_resident_is_let_in_the_stranger_is_not_and_it_is_drawn(facegate, tmp_path):
    """The demo as it is shown to people; in `make test` the short one above holds the same."""
    sheet = tmp_path / "sheet.png"
    done = facegate("demo", "--headless", "--json", "--sheet", sheet)
    assert done.code == 0, done.err
    answer = done.answer
    assert {event["resident"] for event in answer["granted"]} == {"Barack Obama"}
    assert len(answer["granted"]) == answer["relay_pulses"] == 2
    assert_refused_as_nobody(answer)
    first, last = (event["t"] for event in answer["granted"])
    assert first < min(event["t"] for event in answer["denied"]) < last
    assert all(event["frames"] >= 3 and event["similarity"] >= 0.4 for event in answer["granted"])
    assert answer["models"][0].startswith("open/")
    assert answer["frame_to_relay_ms"]["p50"] > 0
    assert answer["ready_s"] > 0
    with Image.open(sheet) as picture:
        assert picture.size[0] > 900
        assert len(picture.getcolors(1 << 24)) > 1000


def test_a_sheet_that_cannot_be_written_is_one_sentence(models, tmp_path):
    import numpy as np

    from evaluate.demo.sheet import Moment, draw_sheet

    moment = Moment(np.zeros((360, 640, 3), np.uint8), (10, 10, 50, 60), True, "A: let in", "at 1 s")
    draw_sheet([moment] * 5, "Heading", tmp_path / "s.png")
    with pytest.raises(OSError):
        draw_sheet([moment], "Heading", tmp_path / "absent" / "s.png")


@pytest.mark.soak
def test_whoever_is_enrolled_once_is_let_in_at_each_gate_that_follows_and_gone_from_each(facegate):
    done = facegate("demo", "--gates", "3", "--json", timeout_s=600)
    assert done.code == 0, done.err
    answer = done.answer
    print(f"\n{answer}")
    assert [one["name"] for one in answer["gates"]] == ["Gate 1", "Gate 2", "Gate 3"]
    for one in answer["gates"]:
        assert answer["enrolled_s"] - 0.1 <= one["known_s"] <= one["let_in_s"]
        assert answer["erased_s"] - 0.1 <= one["gone_s"]
