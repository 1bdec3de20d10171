"""The demo, whole: three real processes on walk-up footage of real photos."""

from PIL import Image


def test_the_resident_is_let_in_the_stranger_is_not_and_it_is_drawn(facegate, tmp_path):
    sheet = tmp_path / "sheet.png"
    done = facegate("demo", "--headless", "--json", "--sheet", sheet)
    assert done.code == 0, done.err
    answer = done.answer
    assert {event["resident"] for event in answer["granted"]} == {"Barack Obama"}
    assert len(answer["granted"]) == answer["relay_pulses"] == 2
    assert {event["reason"] for event in answer["denied"]} == {"unknown"}
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
    import pytest

    from evaluate.demo.sheet import Moment, draw_sheet

    moment = Moment(np.zeros((360, 640, 3), np.uint8), (10, 10, 50, 60), True, "A: let in", "at 1 s")
    draw_sheet([moment] * 5, "Heading", tmp_path / "s.png")
    with pytest.raises(OSError):
        draw_sheet([moment], "Heading", tmp_path / "absent" / "s.png")
